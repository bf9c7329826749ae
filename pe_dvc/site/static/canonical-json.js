/**
 * JSON that is signed: read strictly, and written as the bytes that signatures are made of.
 *
 * What is refused here is what readers in other languages would take in another way (keys given
 * twice, halves of characters, numbers that a double does not hold), as `pe_dvc/primitives/json_reader.py`
 * does. The bytes are securesystemslib's canonical JSON, not RFC 8785: only the quote and the backslash
 * are escaped, and keys are in the order of their code points.
 */

import { FormatError } from "./errors.js";

const MAX_DEPTH = 64;
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:]|-?[0-9][-+.0-9eE]*/gs;
const WHOLE = /^-?[0-9]+$/;

/**
 * Return the value of a JSON document of UTF-8, all numbers of which are whole.
 * @param {Uint8Array} data
 * @param {string} where what it is and where it is from, for messages
 * @returns {unknown}
 * @throws {FormatError}
 */
export function parseJson(data, where) {
  try {
    // A mark of the byte order stays, and is refused.
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
    const value = JSON.parse(text);
    checkTokens(text);
    return value;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FormatError(`${where}: not the JSON of signed metadata: ${reason.slice(0, 200)}`);
  }
}

/**
 * Refuse what JSON.parse lets pass. The text is known to be JSON.
 * @param {string} text
 */
function checkTokens(text) {
  /** @type {(Set<string> | null)[]} the keys of each object that is open; null for a list */
  const open = [];
  let last = "";
  for (const [token] of text.matchAll(TOKENS)) {
    if (token === "{" || token === "[") {
      if (open.push(token === "{" ? new Set() : null) > MAX_DEPTH) {
        throw new Error(`it is nested more than ${MAX_DEPTH} deep`);
      }
    } else if (token === "}" || token === "]") {
      open.pop();
    } else if (token === ":") {
      addKey(/** @type {Set<string>} */ (open[open.length - 1]), JSON.parse(last));
    } else if (token.startsWith('"')) {
      last = token;
      if (token.includes("\\u") && !JSON.parse(token).isWellFormed()) {
        throw new Error("it holds half of a character (a surrogate)");
      }
    } else if (!WHOLE.test(token)) {
      throw new Error(`the number ${token} is not whole, as all of signed documents are`);
    } else if (!Number.isSafeInteger(Number(token))) {
      throw new Error(`the number ${token} is beyond what a browser holds exactly`);
    }
  }
}

/**
 * @param {Set<string>} keys
 * @param {string} key
 */
function addKey(keys, key) {
  if (keys.has(key)) throw new Error(`the key ${JSON.stringify(key)} is given twice`);
  keys.add(key);
}

/**
 * Return the bytes over which a value is signed.
 * @param {unknown} value
 * @returns {Uint8Array<ArrayBuffer>}
 * @throws {FormatError} for what canonical JSON does not have: fractions, undefined
 */
export function canonicalJson(value) {
  /** @type {string[]} */
  const pieces = [];
  write(value, pieces);
  return new TextEncoder().encode(pieces.join(""));
}

/**
 * @param {unknown} value
 * @param {string[]} pieces
 */
function write(value, pieces) {
  if (typeof value === "string") {
    pieces.push(quoted(value));
  } else if (value === null || typeof value === "boolean") {
    pieces.push(String(value));
  } else if (typeof value === "number" && Number.isSafeInteger(value)) {
    pieces.push(String(value === 0 ? 0 : value));
  } else if (Array.isArray(value)) {
    pieces.push("[");
    value.forEach((item, number) => {
      if (number) pieces.push(",");
      write(item, pieces);
    });
    pieces.push("]");
  } else if (typeof value === "object") {
    writeObject(/** @type {Record<string, unknown>} */ (value), pieces);
  } else {
    throw new FormatError(`canonical JSON has no ${typeof value}: ${String(value).slice(0, 40)}`);
  }
}

/**
 * @param {Record<string, unknown>} value
 * @param {string[]} pieces
 */
function writeObject(value, pieces) {
  pieces.push("{");
  Object.keys(value).sort(byCodePoint).forEach((key, number) => {
    pieces.push(number ? "," : "", quoted(key), ":");
    write(value[key], pieces);
  });
  pieces.push("}");
}

/**
 * @param {string} text
 * @returns {string}
 */
function quoted(text) {
  if (!text.isWellFormed()) throw new FormatError("text holds half of a character (a surrogate)");
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/**
 * Compare as Python does. JavaScript compares UTF-16, where a character beyond U+FFFF, written with
 * surrogates, comes before those from U+E000 on.
 * @param {string} one
 * @param {string} other
 * @returns {number}
 */
export function byCodePoint(one, other) {
  const length = Math.min(one.length, other.length);
  for (let place = 0; place < length; place++) {
    const [left, right] = [one.charCodeAt(place), other.charCodeAt(place)];
    if (left !== right) return rank(left) - rank(right);
  }
  return one.length - other.length;
}

/** @param {number} unit */
function rank(unit) {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
