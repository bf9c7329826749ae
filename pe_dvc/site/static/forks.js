/**
 * Equivocation: two documents that are validly signed and contradict each other. A holder of the keys has
 * shown one history here and another one there: that is no fault of a store, and none can be believed.
 */

import { own } from "./bytes.js";
import { EquivocationError } from "./errors.js";

/** @typedef {import("./metadata.js").Metadata} Metadata */
/** @typedef {{where: string, value: Metadata}} Seen a document, verified, and who showed it */

/**
 * @param {Seen} one a timestamp
 * @param {Seen} other another
 * @throws {EquivocationError}
 */
export function compareTimestamps(one, other) {
  if (isSame(one, other)) return;
  if (one.value.version === other.value.version) {
    throw forked(one.where, other.where, `as version ${one.value.version} of timestamp`);
  }
  compareMeta(one, other, "timestamp");
}

/**
 * @param {Seen} one a snapshot
 * @param {Seen} other another
 * @throws {EquivocationError} if they promise different bytes as one version of a role
 */
export function compareSnapshots(one, other) {
  if (!isSame(one, other)) compareMeta(one, other, "snapshot");
}

/**
 * @param {string} one place
 * @param {string} other place
 * @param {string} what
 */
export function forked(one, other, what) {
  return new EquivocationError(
    `${one} and ${other} show two different documents that are both validly signed ${what}: a holder of the keys ` +
      "shows different readers different data",
  );
}

/** @type {(one: Seen, other: Seen, signer: string) => void} */
function compareMeta(one, other, signer) {
  for (const [file, mine] of Object.entries(one.value.signed.meta)) {
    const theirs = own(other.value.signed.meta, file);
    if (theirs?.version !== mine.version) continue;
    const hashes = Object.entries(mine.hashes ?? {});
    if (hashes.some(([name, hash]) => (own(theirs.hashes, name) ?? hash) !== hash)) {
      const role = file.replace(/\.json$/, "");
      throw forked(one.where, other.where, `as ${signer}, and promise different bytes as version ${mine.version} of ${role}`);
    }
  }
}

/** @type {(one: Seen, other: Seen) => boolean} */
function isSame({ value: one }, { value: other }) {
  return one === other || new TextDecoder().decode(one.payload) === new TextDecoder().decode(other.payload);
}
