// The browser's client as one of tuf-conformance, whose command line it has, on Node.js.
//
// The workflow and the state are those of pages; what is added is the walk through delegations, target
// files, and a copy of the state where the suite looks for it.

import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";

import { digestHex } from "../../pe_dvc/site/static/bytes.js";
import { findLineage } from "../../pe_dvc/site/static/lineage.js";
import { checkPromise, parseMetadata, verifySigned } from "../../pe_dvc/site/static/metadata.js";
import { Refresh } from "../../pe_dvc/site/static/refresh.js";
import { HttpSource, MetadataSource } from "../../pe_dvc/site/static/source.js";
import { Stores } from "../../pe_dvc/site/static/stores.js";

const MAX_DELEGATIONS = 32;
const text = { type: "string" };
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    "metadata-url": text,
    "metadata-dir": text,
    "target-name": { type: "string", multiple: true },
    "target-dir": text,
    "target-base-url": text,
  },
});
const metadata = options["metadata-dir"];
const pinned = join(dirname(metadata), "pinned.root.json");
const kept = join(dirname(metadata), "browser.json");
const quoted = (name) => encodeURIComponent(name).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16)}`);

if (positionals[0] === "init") {
  mkdirSync(metadata, { recursive: true });
  copyFileSync(positionals[1], pinned);
  copyFileSync(positionals[1], join(metadata, "root.json"));
} else {
  await main().catch((error) => {
    console.error(`refused: ${error.name}: ${error.message}`);
    process.exitCode = 1;
  });
}

async function main() {
  const state = {
    get: async () => (existsSync(kept) ? readFileSync(kept, "utf8") : undefined),
    set: async (_key, value) => writeFileSync(kept, value),
  };
  const stores = new Stores([new MetadataSource(new HttpSource(options["metadata-url"]), "us", "")]);
  const root = parseMetadata(readFileSync(pinned), "root", "the pinned root");
  await verifySigned(root, "root", root, "the pinned root");
  const lineage = await findLineage(state, "", root, stores);
  const refresh = new Refresh(stores, lineage, root, new Date());
  try {
    await refresh.run();
    for (const name of options["target-name"] ?? []) await download(refresh, name);
  } finally {
    const newest = Math.max(...lineage.roots.keys());
    writeFileSync(join(metadata, "root.json"), lineage.roots.get(newest));
    for (const [role, file] of lineage.files) writeFileSync(join(metadata, `${quoted(role)}.json`), file);
  }
}

async function download(refresh, name) {
  const target = await find(refresh, name);
  if (!target) throw new Error(`no target ${name}`);
  const parts = name.split("/");
  const [[, hash] = []] = Object.entries(target.hashes);
  if (refresh.root.signed.consistent_snapshot !== false) parts.push(`${hash}.${parts.pop()}`);
  const file = join(options["target-dir"], quoted(name));
  if (existsSync(file) && (await isTarget(readFileSync(file), target))) return;
  const http = new HttpSource(options["target-base-url"]);
  const data = await http.read(parts.map(quoted).join("/"), target.length);
  if (!data) throw new Error(`${name} is not there`);
  await checkPromise(data, target, name);
  writeFileSync(file, data);
}

function isTarget(data, target) {
  return checkPromise(data, target, "the file here").then(() => true, () => false);
}

/** The most trusted role that speaks for a target (5.6.7). */
async function find(refresh, name) {
  const visited = new Set();
  let left = [["targets", refresh.root]];
  while (left.length && visited.size <= MAX_DELEGATIONS) {
    const [role, delegator] = left.shift();
    if (visited.has(role)) continue;
    visited.add(role);
    const found = role === "targets" ? refresh.get(role) : await refresh.load(role, delegator);
    if (Object.hasOwn(found.signed.targets, name)) return found.signed.targets[name];
    const below = [];
    for (const one of found.signed.delegations?.roles ?? []) {
      if (!(await speaksFor(one, name))) continue;
      below.push([one.name, found]);
      if (one.terminating) {
        left = [];
        break;
      }
    }
    left = [...below, ...left];
  }
  return undefined;
}

async function speaksFor({ paths, path_hash_prefixes: prefixes }, name) {
  const digest = await digestHex(new TextEncoder().encode(name));
  if (prefixes) return prefixes.some((prefix) => digest.startsWith(prefix));
  return paths.some((pattern) => matches(name.split("/"), pattern.split("/")));
}

function matches(parts, patterns) {
  const expression = (one) => one.replace(/[.+^${}()|\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
  return parts.length === patterns.length
    && parts.every((part, place) => new RegExp(`^${expression(patterns[place])}$`, "s").test(part));
}
