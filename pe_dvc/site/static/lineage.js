/**
 * What this browser remembers of a bucket: the metadata that a rollback is measured against.
 *
 * It belongs to a chain of roots, not to the one that a page pins: a page that pins a later root of the
 * same chain goes on from there (`pe_dvc/trust/lineages.py`).
 */

import { quietly, sameBytes, successor } from "./checks.js";
import { NotFoundError, RollbackError } from "./errors.js";
import { parseMetadata } from "./metadata.js";
import { MAX_LENGTH } from "./refresh.js";

/** @typedef {import("./metadata.js").Metadata} Metadata */
/** @typedef {import("./stores.js").Stores} Stores */
/** @typedef {import("./store.js").State} State */

const MAX_LINKS = 256;

export class Lineage {
  /**
   * @param {() => Promise<void>} save
   * @param {unknown} [plain] what `toJSON` gave; anything else is as if there was nothing
   */
  constructor(save, plain) {
    this.save = save;
    const { roots, files } = /** @type {any} */ (Object(plain));
    /** @type {Map<number, string>} */
    this.roots = new Map(Object.entries(Object(roots)).filter(isText).map(([key, text]) => [Number(key), text]));
    /** @type {Map<string, string>} */
    this.files = new Map(Object.entries(Object(files)).filter(isText));
  }

  toJSON() {
    return { roots: Object.fromEntries(this.roots), files: Object.fromEntries(this.files) };
  }

  /** @param {Metadata} root */
  async keepRoot(root) {
    if (this.roots.get(root.version) === root.text) return;
    this.roots.set(root.version, root.text);
    await this.save();
  }

  /**
   * @param {string} role
   * @param {Metadata} metadata
   */
  async keep(role, metadata) {
    this.files.set(role, metadata.text);
    await this.save();
  }

  /** The roots that are not damaged, oldest first. */
  async readRoots() {
    const found = [];
    for (const [version, text] of this.roots) {
      const root = await quietly(async () => readRoot(text));
      if (root?.version === version) found.push(root);
    }
    return found.sort((one, other) => one.version - other.version);
  }
}

/**
 * Return the lineage of a trusted root among those in `state`, new or not.
 * @param {State} state
 * @param {string} key
 * @param {Metadata} trusted
 * @param {Stores} stores
 * @returns {Promise<Lineage>}
 * @throws {RollbackError} where one seems to be the same, and the roots between are hidden
 */
export async function findLineage(state, key, trusted, stores) {
  /** @type {Lineage[]} */
  const all = [];
  const save = () => state.set(key, JSON.stringify(all));
  for (const plain of listOf(await state.get(key))) all.push(new Lineage(save, plain));
  for (const one of all) {
    if (await isOf(one, trusted, stores)) {
      await one.keepRoot(trusted);
      return one;
    }
  }
  const fresh = new Lineage(save);
  all.push(fresh);
  await fresh.keepRoot(trusted);
  return fresh;
}

/**
 * @param {Lineage} lineage
 * @param {Metadata} trusted
 * @param {Stores} stores
 */
async function isOf(lineage, trusted, stores) {
  const known = await lineage.readRoots();
  const same = known.find((root) => root.version === trusted.version);
  if (same) return sameBytes(same.payload, trusted.payload);
  const [oldest, newest] = [known[0], known[known.length - 1]];
  if (!oldest || !newest) return false;
  const [first, last] = newest.version < trusted.version ? [newest, trusted] : [trusted, oldest];
  if (first.version >= last.version || last.version - first.version > MAX_LINKS) return false;
  return isLinked(first, last, lineage, stores);
}

/**
 * Look for the roots between two, which share no version.
 * @param {Metadata} first
 * @param {Metadata} last
 * @param {Lineage} lineage
 * @param {Stores} stores
 */
async function isLinked(first, last, lineage, stores) {
  const between = await quietly(() => rootsBetween(first, last, stores));
  if (between) {
    for (const root of between) await lineage.keepRoot(root);
    return true;
  }
  const shared = Object.keys(first.signed.keys).some((id) => Object.hasOwn(last.signed.keys, id));
  if (shared && last.version - first.version > 1) {
    throw new RollbackError(
      `root ${first.version} and root ${last.version}, one of which was seen earlier, share keys; but the ` +
        `bucket does not show the roots between: ${stores.where("N.root.json")}`,
    );
  }
  return false;
}

/**
 * @param {Metadata} first
 * @param {Metadata} last
 * @param {Stores} stores
 */
async function rootsBetween(first, last, stores) {
  const found = [];
  let root = first;
  while (root.version + 1 < last.version) {
    const name = `${root.version + 1}.root.json`;
    const before = root;
    root = await stores.firstGood(async (source) => {
      const data = await source.read(name, MAX_LENGTH.root);
      if (!data) throw new NotFoundError(`${source.where(name)} does not exist`);
      return successor(before, data, source.where(name));
    });
    found.push(root);
  }
  await successor(root, new TextEncoder().encode(last.text), "the trusted root");
  return found;
}

/** @param {string} text */
function readRoot(text) {
  return parseMetadata(new TextEncoder().encode(text), "root", "a root seen earlier");
}

/**
 * @param {string | undefined} text
 * @returns {unknown[]}
 */
function listOf(text) {
  try {
    const found = JSON.parse(text ?? "[]");
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

/**
 * @param {[string, unknown]} entry
 * @returns {entry is [string, string]}
 */
function isText(entry) {
  return typeof entry[1] === "string";
}
