/**
 * One refresh: from a trusted root to today's targets, and the roles below them.
 *
 * It does what python-tuf's client does, in its order, with the limits of `pe_dvc/trust/roles.py`. Sections
 * are those of https://theupdateframework.github.io/specification/v1.0.33/. Every file is remembered
 * as soon as it verifies, so that a refresh that is refused half-way forgets nothing.
 */

import { own } from "./bytes.js";
import { NotFoundError, RollbackError, StorePermissionError, TrustError, UnsupportedError, VerificationError } from "./errors.js";
import { checkFresh, checkPromise, parseMetadata, verifySigned } from "./metadata.js";

/** @typedef {import("./metadata.js").Metadata} Metadata */
/** @typedef {import("./lineage.js").Lineage} Lineage */
/**
 * @typedef {object} Source
 * @property {(name: string, limit: number) => Promise<Uint8Array | undefined>} read
 * @property {(name: string) => string} where
 */

/** Most bytes of a file that are ever read; delegated roles have that of targets. */
export const MAX_LENGTH = { root: 512_000, timestamp: 16_384, snapshot: 2_000_000, targets: 5_000_000 };
const MAX_ROOTS = 256;

export class Refresh {
  /**
   * @param {Source} source
   * @param {Lineage} lineage what was verified earlier
   * @param {Metadata} root the trusted one (5.2)
   * @param {Date} now
   */
  constructor(source, lineage, root, now) {
    this.source = source;
    this.lineage = lineage;
    this.root = root;
    this.now = now;
    /** @type {Map<string, Metadata>} */
    this.trusted = new Map();
  }

  /**
   * @returns {Promise<this>} with root, timestamp, snapshot and targets
   * @throws {TrustError}
   */
  async run() {
    await this.followRoots();
    await this.loadTimestamp();
    await this.loadSnapshot();
    await this.load("targets", this.root);
    return this;
  }

  /** @param {string} role */
  get(role) {
    const found = this.trusted.get(role);
    if (!found) throw new VerificationError(`${role} was not verified`);
    return found;
  }

  /** 5.3: each next root is signed by the one before, and by itself. */
  async followRoots() {
    for (let count = 0; count < MAX_ROOTS; count++) {
      const next = this.root.version + 1;
      const kept = this.lineage.roots.get(next);
      const found = await quietly(async () => (kept === undefined ? undefined : this.successor(bytes(kept))));
      if (found) {
        this.root = found;
        continue;
      }
      const data = await this.nextRoot(`${next}.root.json`);
      if (!data) return;
      this.root = await this.successor(data);
      await this.lineage.keepRoot(this.root);
    }
  }

  /**
   * S3 answers 403 for a missing object to readers that may not list: no newer root either.
   * @param {string} name
   */
  async nextRoot(name) {
    try {
      return await this.source.read(name, MAX_LENGTH.root);
    } catch (error) {
      if (error instanceof StorePermissionError) return undefined;
      throw error;
    }
  }

  /** @param {Uint8Array} data */
  async successor(data) {
    return successor(this.root, data, this.source.where(`${this.root.version + 1}.root.json`));
  }

  /** 5.4, and 5.3.10: the root that is last may not have expired. */
  async loadTimestamp() {
    const where = this.source.where("timestamp.json");
    const kept = await this.kept("timestamp", this.root);
    const data = await this.source.read("timestamp.json", MAX_LENGTH.timestamp);
    if (!data) throw new NotFoundError(`there are no channels: ${where} does not exist`);
    checkFresh(this.root, this.now, "the newest root");
    const found = parseMetadata(data, "timestamp", where);
    await verifySigned(this.root, "timestamp", found, where);
    if (kept) checkTimestamps(kept, found, where);
    const timestamp = kept && kept.version === found.version ? kept : found;
    checkFresh(timestamp, this.now, where);
    if (timestamp === found) await this.lineage.keep("timestamp", found);
    this.trusted.set("timestamp", timestamp);
  }

  /** 5.5 */
  async loadSnapshot() {
    const promised = this.get("timestamp").signed.meta["snapshot.json"];
    const kept = await this.kept("snapshot", this.root);
    if (kept && kept.version === promised.version && this.now < kept.expires) {
      this.trusted.set("snapshot", kept);
      return;
    }
    const name = this.fileOf("snapshot", promised.version);
    const where = this.source.where(name);
    const data = await this.promisedFile(name, promised, MAX_LENGTH.snapshot);
    const found = parseMetadata(data, "snapshot", where);
    await verifySigned(this.root, "snapshot", found, where);
    if (kept) checkSnapshots(kept, found, where);
    checkFresh(found, this.now, where);
    checkVersion(found, promised.version, where);
    await this.lineage.keep("snapshot", found);
    this.trusted.set("snapshot", found);
  }

  /**
   * Targets (5.6), or a role that `delegator` delegates to (5.6.7).
   * @param {string} role
   * @param {Metadata} delegator
   * @returns {Promise<Metadata>}
   * @throws {TrustError}
   */
  async load(role, delegator) {
    const promised = own(this.get("snapshot").signed.meta, `${role}.json`);
    if (!promised) throw new VerificationError(`snapshot does not name ${role}`);
    const kept = bytes(this.lineage.files.get(role) ?? "");
    const same = await quietly(() => this.checked(role, kept, promised, delegator));
    const found = same ?? (await this.checked(role, await this.download(role, promised), promised, delegator));
    if (!same) await this.lineage.keep(role, found);
    this.trusted.set(role, found);
    return found;
  }

  /** @type {(role: string, promised: import("./metadata.js").Promised) => Promise<Uint8Array>} */
  download(role, promised) {
    return this.promisedFile(this.fileOf(role, promised.version), promised, MAX_LENGTH.targets);
  }

  /** @type {(role: string, data: Uint8Array, promised: import("./metadata.js").Promised, delegator: Metadata) => Promise<Metadata>} */
  async checked(role, data, promised, delegator) {
    const where = this.source.where(this.fileOf(role, promised.version));
    await checkPromise(data, promised, where);
    const found = parseMetadata(data, "targets", where);
    await verifySigned(delegator, role, found, where);
    checkVersion(found, promised.version, where);
    checkFresh(found, this.now, where);
    return found;
  }

  /** @type {(name: string, promised: import("./metadata.js").Promised, limit: number) => Promise<Uint8Array>} */
  async promisedFile(name, promised, limit) {
    const data = await this.source.read(name, promised.length || limit);
    const where = this.source.where(name);
    if (!data) throw new VerificationError(`${where} is gone, though signed metadata names it`);
    await checkPromise(data, promised, where);
    return data;
  }

  /** @type {(role: string, version: number) => string} */
  fileOf(role, version) {
    const file = `${encodeURIComponent(role)}.json`;
    return this.root.signed.consistent_snapshot === false ? file : `${version}.${file}`;
  }

  /**
   * What was verified earlier, if it is signed by today's keys: expired or not, nothing older counts.
   * @param {"timestamp" | "snapshot"} role
   * @param {Metadata} root
   */
  async kept(role, root) {
    const text = this.lineage.files.get(role);
    if (text === undefined) return undefined;
    return quietly(async () => {
      const found = parseMetadata(bytes(text), role, `the ${role} seen earlier`);
      await verifySigned(root, role, found, `the ${role} seen earlier`);
      return found;
    });
  }
}

/**
 * Read the root that follows another (5.3.4, 5.3.5).
 * @param {Metadata} root
 * @param {Uint8Array} data
 * @param {string} where
 * @throws {TrustError}
 */
export async function successor(root, data, where) {
  const found = parseMetadata(data, "root", where);
  await verifySigned(root, "root", found, `${where}, by root ${root.version}`);
  checkVersion(found, root.version + 1, where);
  await verifySigned(found, "root", found, where);
  return found;
}

/** 5.4.3 @type {(kept: Metadata, found: Metadata, where: string) => void} */
function checkTimestamps(kept, found, where) {
  if (found.version < kept.version) {
    throw new RollbackError(`${where}: version ${found.version}, and version ${kept.version} was seen before`);
  }
  const [before, after] = [kept, found].map((one) => one.signed.meta["snapshot.json"].version);
  if (after < before) throw new RollbackError(`${where}: snapshot version ${after}, and ${before} was seen before`);
}

/** 5.5.5 @type {(kept: Metadata, found: Metadata, where: string) => void} */
function checkSnapshots(kept, found, where) {
  for (const [file, { version }] of Object.entries(kept.signed.meta)) {
    const now = own(found.signed.meta, file);
    if (!now) throw new VerificationError(`${where} does not name ${file}, which was there before`);
    if (now.version < version) {
      throw new RollbackError(`${where}: ${file} version ${now.version}, and version ${version} was seen before`);
    }
  }
}

/** @type {(found: Metadata, expected: number, where: string) => void} */
function checkVersion(found, expected, where) {
  if (found.version !== expected) {
    throw new RollbackError(`${where}: version ${found.version}, and version ${expected} was expected`);
  }
}

/** @param {string} text */
function bytes(text) {
  return new TextEncoder().encode(text);
}

/**
 * What was kept may be damaged, or be of keys that count no more: then it is read again.
 * @template Result
 * @param {() => Promise<Result>} work
 * @returns {Promise<Result | undefined>}
 */
export async function quietly(work) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TrustError && !(error instanceof UnsupportedError)) return undefined;
    throw error;
  }
}
