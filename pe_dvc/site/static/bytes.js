/** Bytes, their digests, and their ways of being written. */

import { UnsupportedError } from "./errors.js";

/**
 * WebCrypto, which browsers give only to pages that came by https or from this machine.
 * @returns {SubtleCrypto}
 */
export function subtle() {
  const found = globalThis.crypto?.subtle;
  if (!found) {
    throw new UnsupportedError("this page cannot verify: it must be opened by https, or from this machine");
  }
  return found;
}

/**
 * @param {Uint8Array} data
 * @param {string} [algorithm] as WebCrypto calls it
 * @returns {Promise<string>} the digest in lower-case hex
 */
export async function digestHex(data, algorithm = "SHA-256") {
  const plain = /** @type {Uint8Array<ArrayBuffer>} */ (data);
  return toHex(new Uint8Array(await subtle().digest(algorithm, plain)));
}

/**
 * @param {Uint8Array} data
 * @returns {string}
 */
export function toHex(data) {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 * @throws {Error} for what is not hex
 */
export function fromHex(text) {
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(text)) throw new Error("not hexadecimal digits");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/**
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/**
 * The value of an object's own field: names come from metadata, and may be those of its prototype.
 * @param {Record<string, any> | undefined} object
 * @param {string} name
 * @returns {any}
 */
export function own(object, name) {
  return object !== undefined && Object.hasOwn(object, name) ? object[name] : undefined;
}
