/** What is checked of one file of metadata beside another: bytes or metadata in, an error out. */

import { own } from "./bytes.js";
import { RollbackError, TrustError, UnsupportedError, VerificationError } from "./errors.js";
import { checkPromise, parseMetadata, verifySigned } from "./metadata.js";

/** @typedef {import("./metadata.js").Metadata} Metadata */
/** @typedef {import("./metadata.js").Promised} Promised */
/** @typedef {import("./source.js").MetadataSource} MetadataSource */

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
export function checkTimestamps(kept, found, where) {
  if (found.version < kept.version) {
    throw new RollbackError(`${where}: version ${found.version}, and version ${kept.version} was seen before`);
  }
  const [before, after] = [kept, found].map((one) => one.signed.meta["snapshot.json"].version);
  if (after < before) throw new RollbackError(`${where}: snapshot version ${after}, and ${before} was seen before`);
}

/** 5.5.5 @type {(kept: Metadata, found: Metadata, where: string) => void} */
export function checkSnapshots(kept, found, where) {
  for (const [file, { version }] of Object.entries(kept.signed.meta)) {
    const now = own(found.signed.meta, file);
    if (!now) throw new VerificationError(`${where} does not name ${file}, which was there before`);
    if (now.version < version) {
      throw new RollbackError(`${where}: ${file} version ${now.version}, and version ${version} was seen before`);
    }
  }
}

/** @type {(source: MetadataSource, name: string, promised: Promised, limit: number) => Promise<Uint8Array>} */
export async function promisedFile(source, name, promised, limit) {
  const data = await source.read(name, promised.length || limit);
  const where = source.where(name);
  if (!data) throw new VerificationError(`${where} is gone, though signed metadata names it`);
  await checkPromise(data, promised, where);
  return data;
}

/** @type {(found: Metadata, expected: number, where: string) => void} */
export function checkVersion(found, expected, where) {
  if (found.version !== expected) {
    throw new RollbackError(`${where}: version ${found.version}, and version ${expected} was expected`);
  }
}

/**
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 */
export function sameBytes(one, other) {
  return one.length === other.length && one.every((byte, place) => byte === other[place]);
}

/** @param {string} text */
export function bytes(text) {
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
