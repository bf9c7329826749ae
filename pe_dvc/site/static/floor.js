/**
 * The floor of a browser that has seen nothing yet: what was published when the page was made, signed.
 * Nothing older counts (`docs/adr/0025-floor-for-new-readers.md`).
 */

import { parseJson } from "./canonical-json.js";
import { checkVersion, quietly } from "./checks.js";
import { checkPromise, parseMetadata, verifySigned } from "./metadata.js";
import { checkMeantFor } from "./source.js";

/** @typedef {import("./metadata.js").Metadata} Metadata */
/** @typedef {{timestamp: Metadata, snapshot: Metadata}} Floor */

const WHERE = "what was published when this page was made";

/**
 * The highest floor of those that today's keys signed; what does not verify is none. Whether it has
 * expired does not matter: it was current once.
 * @param {Uint8Array[]} documents objects of `timestamp` and `snapshot`, the texts of both files
 * @param {Metadata} root today's
 * @param {string} country
 * @returns {Promise<Floor | undefined>}
 */
export async function floorOf(documents, root, country) {
  /** @type {Floor | undefined} */
  let highest;
  for (const document of documents) {
    const found = await quietly(() => floorIn(document, root, country));
    if (found && found.timestamp.version > (highest?.timestamp.version ?? 0)) highest = found;
  }
  return highest;
}

/** @type {(document: Uint8Array, root: Metadata, country: string) => Promise<Floor>} */
async function floorIn(document, root, country) {
  const texts = /** @type {any} */ (Object(parseJson(document, WHERE)));
  const [timestamp, snapshot] = [
    await signed("timestamp", texts.timestamp, root, country),
    await signed("snapshot", texts.snapshot, root, country),
  ];
  const promised = timestamp.signed.meta["snapshot.json"];
  await checkPromise(new TextEncoder().encode(snapshot.text), promised, WHERE);
  checkVersion(snapshot, promised.version, WHERE);
  return { timestamp, snapshot };
}

/** @type {(role: string, text: unknown, root: Metadata, country: string) => Promise<Metadata>} */
async function signed(role, text, root, country) {
  const data = new TextEncoder().encode(String(text));
  checkMeantFor(data, country, role, WHERE);
  const found = parseMetadata(data, role, WHERE);
  await verifySigned(root, role, found, WHERE);
  return found;
}
