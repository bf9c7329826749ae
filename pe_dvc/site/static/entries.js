/**
 * What the roles below targets sign: pointers, withdrawals, releases. That a name is signed does not
 * make it this role's, nor a name at all.
 */

import { VerificationError } from "./errors.js";

/**
 * @typedef {{name: string, sha256: string, size: number, manifestSha256: string}} Pointer
 * @typedef {{sha256: string, name: string, reason: string, authority: string, revoked: string, isInput: boolean, replacement?: string}} Revocation
 * @typedef {{tag: string, sha256: string, size: number, state: string}} Released
 */

const SHA256 = /^[0-9a-f]{64}$/;
const SEGMENT = "[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?";
const NAME = new RegExp(`^${SEGMENT}(?:/${SEGMENT}){0,2}$`);
const COUNTRY = /^[a-z]{2,3}(?:-[a-z][a-z0-9]{0,14})?$/;

/** @param {string} text */
export function isCountry(text) {
  return COUNTRY.test(text);
}

/** @param {string} text */
export function isName(text) {
  return text.length <= 128 && NAME.test(text);
}

/**
 * @param {Record<string, any>} targets of a channel
 * @param {string} country
 * @param {string} channel
 * @param {string} where
 * @returns {Map<string, Pointer>} by name
 * @throws {VerificationError} for a malformed one, or one of another country or channel
 */
export function pointersOf(targets, country, channel, where) {
  /** @type {Map<string, Pointer>} */
  const found = new Map();
  /** @type {Set<string>} */
  const folded = new Set();
  for (const [path, target] of Object.entries(targets)) {
    const name = below(path, country, channel, where);
    need(isName(name), where, `${JSON.stringify(name)} is not a dataset name`);
    need(!folded.has(name.toLowerCase()), where, `two names differ by case alone: ${name}`);
    folded.add(name.toLowerCase());
    const manifestSha256 = target.custom?.manifest_sha256;
    need(isSha256(manifestSha256), where, `${path} has no sha256 of a manifest`);
    found.set(name, { name, ...contentOf(path, target, where), manifestSha256 });
  }
  return found;
}

/**
 * @param {Record<string, any>} targets of the role `revoked`
 * @param {string} country
 * @param {string} where
 * @returns {Map<string, Revocation>} withdrawn artifacts and raw inputs, by sha256
 * @throws {VerificationError}
 */
export function revocationsOf(targets, country, where) {
  /** @type {Map<string, Revocation>} */
  const found = new Map();
  for (const [path, target] of Object.entries(targets)) {
    const rest = below(path, country, "revoked", where);
    const isInput = rest.startsWith("raw-input/");
    const sha256 = rest.slice(isInput ? "raw-input/".length : 0);
    need(contentOf(path, target, where).sha256 === sha256, where, `${path} is not the entry of its sha256`);
    const { name, reason, authority, revoked, replacement } = target.custom ?? {};
    need([name, reason, authority, revoked].every(isLine), where, `${path} does not say what, why and by whom`);
    need(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(revoked), where, `${path} does not say when`);
    need(isInput || isName(name), where, `${JSON.stringify(name)} is not a dataset name`);
    need(replacement === undefined || isLine(replacement), where, `${path} has a malformed replacement`);
    found.set(rest, { sha256, name, reason, authority, revoked, isInput, replacement });
  }
  return found;
}

/**
 * @param {Record<string, any>} targets of the role `releases`
 * @param {string} country
 * @param {string} where
 * @returns {Map<string, Released>} by tag
 * @throws {VerificationError}
 */
export function releasesOf(targets, country, where) {
  /** @type {Map<string, Released>} */
  const found = new Map();
  for (const [path, target] of Object.entries(targets)) {
    const tag = below(path, country, "releases", where);
    const state = target.custom?.state;
    need(["staged", "certified", "deprecated"].includes(state), where, `${path} has no state`);
    found.set(tag, { tag, ...contentOf(path, target, where), state });
  }
  return found;
}

/** @type {(path: string, country: string, role: string, where: string) => string} */
function below(path, country, role, where) {
  const prefix = `${country}/${role}/`;
  need(path.startsWith(prefix), where, `${JSON.stringify(path)} does not belong here: expected ${prefix}…`);
  return path.slice(prefix.length);
}

/** @type {(path: string, target: any, where: string) => {sha256: string, size: number}} */
function contentOf(path, target, where) {
  const sha256 = target.hashes?.sha256;
  need(isSha256(sha256), where, `${path} has no sha256`);
  return { sha256, size: target.length };
}

/** @type {(value: any) => boolean} */
export const isSha256 = (value) => typeof value === "string" && SHA256.test(value);
/** @type {(value: any) => boolean} */
const isLine = (value) =>
  typeof value === "string" && value.trim() !== "" && value.length <= 1000 && !/\p{Cc}/u.test(value);

/** @type {(holds: boolean, where: string, what: string) => void} */
function need(holds, where, what) {
  if (!holds) throw new VerificationError(`${where}: ${what.slice(0, 300)}`);
}
