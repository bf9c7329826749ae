/**
 * TUF metadata: its form, who signed it, when it expires. Bytes in, an object or an error out.
 * Sections are those of https://theupdateframework.github.io/specification/v1.0.33/.
 */

import { digestHex, own } from "./bytes.js";
import { canonicalJson, parseJson } from "./canonical-json.js";
import { DigestMismatchError, ExpiredError, FormatError, SignatureError } from "./errors.js";
import { hasSigned, keyIdentity } from "./keys.js";

/**
 * @typedef {object} Metadata
 * @property {Record<string, any>} signed
 * @property {number} version
 * @property {Date} expires
 * @property {Map<string, string>} signatures by key id
 * @property {Uint8Array<ArrayBuffer>} payload what the signatures are of
 * @property {string} text the file
 *
 * @typedef {{version: number, length?: number, hashes?: Record<string, string>}} Promised
 * @typedef {{keyids: string[], threshold: number}} Role
 */

const TOP_LEVEL = ["root", "snapshot", "targets", "timestamp"];
/** @type {Map<string, string>} */
const HASHES = new Map([["sha256", "SHA-256"], ["sha384", "SHA-384"], ["sha512", "SHA-512"]]);

/**
 * Read metadata; its signatures are not checked.
 * @param {Uint8Array} data
 * @param {string} type what `_type` must say
 * @param {string} where
 * @returns {Metadata}
 * @throws {FormatError}
 */
export function parseMetadata(data, type, where) {
  const document = /** @type {any} */ (parseJson(data, where));
  /** @type {(holds: unknown, what: string) => void} */
  const need = (holds, what) => {
    if (!holds) throw new FormatError(`${where}: not TUF metadata: ${what}`);
  };
  const signed = document?.signed;
  need(isObject(document) && isObject(signed), "it has no object `signed`");
  need(signed._type === type, `expected ${type} metadata, got ${String(signed._type).slice(0, 40)}`);
  need(/^1\.\d+(\.\d+)?$/.test(signed.spec_version), "its spec_version is not 1");
  need(isCount(signed.version, 1), "its version is not a number above 0");
  const expires = timeOf(signed.expires);
  need(expires, "its expiry is not a time in UTC");
  FORMS[type]?.(signed, need);
  return {
    signed,
    version: signed.version,
    expires: /** @type {Date} */ (expires),
    signatures: signaturesOf(document.signatures, need),
    payload: canonicalJson(signed),
    text: new TextDecoder().decode(data),
  };
}

/** @typedef {(holds: unknown, what: string) => void} Need */

/** @type {Record<string, (signed: any, need: Need) => void>} */
const FORMS = {
  root(signed, need) {
    need(isObject(signed.roles) && isObject(signed.keys), "it has no roles, or no keys");
    need(Object.keys(signed.roles).sort().join() === TOP_LEVEL.join(), "its roles are not TUF's four");
    checkKeys(signed.keys, need);
    for (const role of Object.values(signed.roles)) checkRole(role, need);
  },
  timestamp(signed, need) {
    need(isObject(signed.meta), "it has no meta");
    checkPromised(own(signed.meta, "snapshot.json"), need);
  },
  snapshot(signed, need) {
    need(isObject(signed.meta), "it has no meta");
    for (const promised of Object.values(signed.meta)) checkPromised(promised, need);
  },
  targets(signed, need) {
    need(isObject(signed.targets), "it has no targets");
    for (const target of Object.values(signed.targets)) {
      need(isObject(target) && isCount(target.length, 0), "a target has no length");
      need(areHashes(target.hashes), "a target has no hashes");
    }
    if (signed.delegations !== undefined) checkDelegations(signed.delegations, need);
  },
};

/** @type {(delegations: any, need: Need) => void} */
function checkDelegations(delegations, need) {
  need(isObject(delegations) && isObject(delegations.keys), "its delegations have no keys");
  checkKeys(delegations.keys, need);
  const roles = delegations.roles ?? [];
  need(Array.isArray(roles), "its delegated roles are not a list");
  for (const role of roles) {
    checkRole(role, need);
    need(typeof role.name === "string" && role.name !== "", "a delegated role has no name");
    need(!TOP_LEVEL.includes(role.name), "a delegated role is called as a top-level role");
    need(typeof role.terminating === "boolean", "a delegated role does not say if it terminates");
    const given = [role.paths, role.path_hash_prefixes].filter((one) => one !== undefined);
    need(given.length === 1 && areTexts(given[0]), "a delegated role has no paths");
  }
  need(new Set(roles.map((/** @type {any} */ role) => role.name)).size === roles.length,
    "two delegated roles have one name");
}

/** @type {(keys: any, need: Need) => void} */
function checkKeys(keys, need) {
  for (const key of Object.values(keys)) {
    need(isObject(key) && areTexts([key.keytype, key.scheme]) && isObject(key.keyval), "a key is malformed");
    need(typeof key.keyval.public === "string", "a key has no public part");
  }
}

/** @type {(role: any, need: Need) => void} */
function checkRole(role, need) {
  need(isObject(role) && areTexts(role.keyids) && isCount(role.threshold, 1), "a role is malformed");
  need(new Set(role.keyids).size === role.keyids.length, "a role names a key twice");
}

/** @type {(promised: any, need: Need) => void} */
function checkPromised(promised, need) {
  need(isObject(promised) && isCount(promised.version, 1), "meta has no version");
  need(promised.length === undefined || isCount(promised.length, 0), "a length is malformed");
  need(promised.hashes === undefined || areHashes(promised.hashes), "hashes are malformed");
}

/** @type {(list: any, need: Need) => Map<string, string>} */
function signaturesOf(list, need) {
  need(Array.isArray(list), "it has no list of signatures");
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const one of list) {
    need(isObject(one) && areTexts([one.keyid, one.sig]), "a signature is malformed");
    need(!found.has(one.keyid), `Multiple signatures found for keyid ${one.keyid}`);
    found.set(one.keyid, one.sig);
  }
  return found;
}

/**
 * The role's keys and threshold, as root or targets lays them down; undefined if it names none.
 * @param {Metadata} delegator
 * @param {string} name
 * @returns {{role: Role, keys: Record<string, import("./keys.js").Key>} | undefined}
 */
export function roleOf(delegator, name) {
  const { signed } = delegator;
  const ofRoot = signed._type === "root";
  const role = ofRoot ? own(signed.roles, name) : delegationOf(delegator, name);
  return role && { role, keys: ofRoot ? signed.keys : signed.delegations.keys };
}

/**
 * @param {Metadata} targets
 * @param {string} name
 * @returns {any} the delegation to a role of that name
 */
export function delegationOf(targets, name) {
  const roles = targets.signed.delegations?.roles ?? [];
  return roles.find((/** @type {any} */ one) => one.name === name);
}

/**
 * Return the ids of the keys that signed, each of them another key, if they are enough.
 * @param {Metadata} delegator
 * @param {string} name of the role
 * @param {Metadata} metadata
 * @param {string} where
 * @returns {Promise<string[]>}
 * @throws {SignatureError} if they are fewer than the threshold
 */
export async function verifySigned(delegator, name, metadata, where) {
  const found = roleOf(delegator, name);
  if (!found) throw new FormatError(`${where}: there is no role ${name}`);
  const { role, keys } = found;
  /** @type {Map<string, string>} */
  const signed = new Map();
  for (const id of role.keyids) {
    const [key, signature] = [own(keys, id), metadata.signatures.get(id)];
    if (key && signature !== undefined && (await hasSigned(key, signature, metadata.payload))) {
      signed.set(keyIdentity(key), id);
    }
  }
  if (signed.size < role.threshold) {
    throw new SignatureError(
      `${where}: ${name} version ${metadata.version} was signed by ${signed.size} of its keys, ` +
        `and ${role.threshold} must sign`,
    );
  }
  return [...signed.values()];
}

/**
 * @param {Uint8Array} data
 * @param {Promised} promised
 * @param {string} where
 * @throws {DigestMismatchError} unless the bytes have the length and hashes that were promised
 */
export async function checkPromise(data, promised, where) {
  if (promised.length !== undefined && data.length !== promised.length) {
    throw new DigestMismatchError(`${where} has ${data.length} bytes, and ${promised.length} were promised`);
  }
  for (const [name, expected] of Object.entries(promised.hashes ?? {})) {
    const algorithm = HASHES.get(name);
    const actual = algorithm ? await digestHex(data, algorithm) : "(not known here)";
    if (actual !== expected) {
      throw new DigestMismatchError(`${where} is not what was promised: expected ${name} ${expected}, got ${actual}`);
    }
  }
}

/**
 * @param {Metadata} metadata
 * @param {Date} now
 * @param {string} where
 * @throws {ExpiredError}
 */
export function checkFresh(metadata, now, where) {
  if (now >= metadata.expires) {
    const since = metadata.expires.toISOString().slice(0, 16).replace("T", " at ");
    throw new ExpiredError(`${where}: version ${metadata.version} expired on ${since} UTC`);
  }
}

/** @type {(value: any) => boolean} */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
/** @type {(value: any, least: number) => boolean} */
const isCount = (value, least) => Number.isSafeInteger(value) && value >= least;
/** @type {(value: any) => boolean} */
const areTexts = (value) => Array.isArray(value) && value.every((one) => typeof one === "string");
/** @type {(value: any) => boolean} */
const areHashes = (value) =>
  isObject(value) && Object.keys(value).length > 0 && areTexts(Object.values(value));

/** @type {(text: any) => Date | undefined} */
function timeOf(text) {
  if (typeof text !== "string" || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) return undefined;
  const time = new Date(text);
  const exists = !Number.isNaN(time.getTime()) && time.toISOString() === text.replace("Z", ".000Z");
  return exists ? time : undefined;
}
