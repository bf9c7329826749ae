/**
 * The bins of a large channel, as `pe_dvc/documents/bins.py` makes them: its signed metadata lists files of
 * pointers, by sha256, and a dataset's pointer is in one of them. Format: `docs/adr/0033-bins.md`.
 */

import { digestHex, own } from "./bytes.js";
import { parseJson } from "./canonical-json.js";
import { isSha256, pointersOf } from "./entries.js";
import { DigestMismatchError, VerificationError } from "./errors.js";

/** @typedef {import("./entries.js").Pointer} Pointer */
/** @typedef {{sha256: string, length: number}} Bin */
/** @typedef {{bits: number, held: Map<number, Bin>}} Bins */

const FIELD = "x-pe-dvc-bins";
const MOST_BITS = 12;
const LIMIT = 5_000_000;
const BIN = /^[^/]+\/[^/]+\/~needs-a-newer-pe_dvc\/([0-9a-f]{3})$/;

/**
 * The bins that a channel's metadata lists, undefined if its targets are none.
 * @param {Record<string, any>} signed
 * @param {string} where
 * @returns {Bins | undefined}
 * @throws {VerificationError}
 */
export function binsOf(signed, where) {
  const bits = own(signed, FIELD);
  const paths = Object.keys(signed.targets);
  if (bits === undefined || !paths.every((path) => BIN.test(path))) return undefined;
  need(Number.isInteger(bits) && bits >= 1 && bits <= MOST_BITS, `${where}: ${FIELD} is not a number of bits`);
  // Two of one number would contradict each other.
  need(new Set(paths.map((path) => path.slice(0, -4))).size <= 1, `${where}: it lists bins of several channels`);
  /** @type {Map<number, Bin>} */
  const held = new Map();
  for (const path of paths) {
    const number = Number.parseInt(path.slice(-3), 16);
    const { length, hashes } = signed.targets[path];
    need(number < 2 ** bits && length > 0 && length <= LIMIT && isSha256(hashes.sha256), `${where}: ${path} is no bin`);
    held.set(number, { sha256: hashes.sha256, length });
  }
  return { bits, held };
}

/**
 * The number of the bin of a pointer.
 * @param {string} path such as us/latest/states/AL
 * @param {number} bits
 */
export async function numberOf(path, bits) {
  return Number.parseInt((await digestHex(new TextEncoder().encode(path))).slice(0, 4), 16) >> (16 - bits);
}

/**
 * Read the pointers of a bin.
 * @param {import("./stores.js").Stores} stores
 * @param {Bins} bins
 * @param {number} number
 * @param {string} channel
 * @returns {Promise<Map<string, Pointer>>} by name
 * @throws {import("./errors.js").TrustError} for one that is missing or altered, too
 */
export async function readBin(stores, bins, number, channel) {
  const wanted = bins.held.get(number);
  if (wanted === undefined) return new Map();
  return stores.firstGood(async (source) => {
    const name = `bins/${wanted.sha256}.json`;
    const where = source.where(name);
    const data = await source.read(name, wanted.length);
    if (!data) throw new VerificationError(`${where} is missing, and signed metadata lists it`);
    if ((await digestHex(data)) !== wanted.sha256) throw new DigestMismatchError(`${where} is not the bin that was signed`);
    const targets = /** @type {any} */ (parseJson(data, where))?.targets ?? {};
    for (const path of Object.keys(targets)) {
      need((await numberOf(path, bins.bits)) === number, `${where}: ${path} does not belong into this bin`);
    }
    return pointersOf(targets, stores.country, channel, where);
  });
}

/** @type {(holds: boolean, what: string) => void} */
function need(holds, what) {
  if (!holds) throw new VerificationError(what.slice(0, 500));
}
