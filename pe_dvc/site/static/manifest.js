/** The manifest that a signed pointer names, from the bucket. */

import { digestHex } from "./bytes.js";
import { DigestMismatchError, FormatError, VerificationError } from "./errors.js";

/** @typedef {import("./source.js").HttpSource} HttpSource */
/** @typedef {import("./entries.js").Pointer} Pointer */

const LIMIT = 64 * 1024 * 1024;

/**
 * Return the manifest whose sha256 is signed in the pointer.
 *
 * The same bytes may have been published under several names. Then the first has the plain key, and the
 * others have keys with their names.
 * @param {HttpSource} http
 * @param {string} country
 * @param {Pointer} pointer
 * @returns {Promise<any>}
 * @throws {import("./errors.js").TrustError}
 */
export async function readManifest(http, country, { name, sha256, manifestSha256 }) {
  const stem = `${country}/${sha256.slice(0, 2)}/${sha256}`;
  let actual = "none";
  for (const key of [`${stem}.manifest.json`, `${stem}.${name.replaceAll("/", ".")}.manifest.json`]) {
    const data = await http.read(key, LIMIT);
    if (!data) continue;
    const digest = await digestHex(data);
    if (digest === manifestSha256) return parsed(data, `${http.store}/${key}`);
    if (actual === "none") actual = digest;
  }
  if (actual === "none") throw new VerificationError(`${http.store}/${stem}.manifest.json is gone, though a signed pointer names it`);
  throw new DigestMismatchError(
    `the manifest of ${name} in ${http.store} is not the signed one: expected sha256 ${manifestSha256}, got ${actual}`,
  );
}

/**
 * @param {Uint8Array} data
 * @param {string} where
 */
function parsed(data, where) {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
  } catch {
    throw new FormatError(`${where}: not a manifest`);
  }
}
