/**
 * Public keys, and whether one has signed: Ed25519 of key files, ECDSA and RSA of KMS and HSMs.
 *
 * What a key cannot do here (a kind that WebCrypto lacks) is not taken for a bad signature: the
 * browser says that it cannot verify.
 */

import { fromBase64, fromHex, subtle } from "./bytes.js";
import { UnsupportedError } from "./errors.js";

/** @typedef {{keytype: string, scheme: string, keyval: {public: string}, [more: string]: unknown}} Key */

/** @typedef {{import: any, verify: any, curve?: number}} Scheme */

const [ED25519, ECDSA, PSS, PKCS1] = ["Ed25519", "ECDSA", "RSA-PSS", "RSASSA-PKCS1-v1_5"];

/**
 * @param {string} curve as WebCrypto calls it
 * @param {string} hash
 * @param {number} size bytes of each of the two numbers of a signature
 * @returns {Scheme}
 */
function ecdsa(curve, hash, size) {
  return { import: { name: ECDSA, namedCurve: curve }, verify: { name: ECDSA, hash }, curve: size };
}

/**
 * @param {string} name
 * @param {string} hash
 * @param {number} saltLength bytes; as long as the digest, as signers have it
 * @returns {Scheme}
 */
function rsa(name, hash, saltLength) {
  return { import: { name, hash }, verify: name === PSS ? { name, saltLength } : { name } };
}

/** @type {Map<string, Scheme>} */
const SCHEMES = new Map([
  ["ed25519/ed25519", { import: { name: ED25519 }, verify: { name: ED25519 } }],
  ["ecdsa/ecdsa-sha2-nistp256", ecdsa("P-256", "SHA-256", 32)],
  ["ecdsa-sha2-nistp256/ecdsa-sha2-nistp256", ecdsa("P-256", "SHA-256", 32)],
  ["ecdsa/ecdsa-sha2-nistp384", ecdsa("P-384", "SHA-384", 48)],
  ["ecdsa/ecdsa-sha2-nistp521", ecdsa("P-521", "SHA-512", 66)],
  ["rsa/rsassa-pss-sha256", rsa(PSS, "SHA-256", 32)],
  ["rsa/rsassa-pss-sha384", rsa(PSS, "SHA-384", 48)],
  ["rsa/rsassa-pss-sha512", rsa(PSS, "SHA-512", 64)],
  ["rsa/rsa-pkcs1v15-sha256", rsa(PKCS1, "SHA-256", 0)],
  ["rsa/rsa-pkcs1v15-sha384", rsa(PKCS1, "SHA-384", 0)],
  ["rsa/rsa-pkcs1v15-sha512", rsa(PKCS1, "SHA-512", 0)],
]);

/**
 * Whether the key made this signature of the bytes. A key or signature that is malformed did not,
 * and neither did one of a scheme that is not known here.
 * @param {Key} key
 * @param {string} signature in hex
 * @param {Uint8Array<ArrayBuffer>} data
 * @returns {Promise<boolean>}
 * @throws {UnsupportedError} if the browser lacks what this kind of key needs
 */
export async function hasSigned(key, signature, data) {
  const scheme = SCHEMES.get(`${key.keytype}/${key.scheme}`);
  if (scheme === undefined) return false;
  try {
    const imported = await importKey(key, scheme);
    const made = scheme.curve ? plainEcdsa(fromHex(signature), scheme.curve) : fromHex(signature);
    return await subtle().verify(scheme.verify, imported, made, data);
  } catch (error) {
    if (error instanceof UnsupportedError) throw error;
    if (error instanceof Error && error.name === "NotSupportedError") {
      throw new UnsupportedError(`this browser cannot verify signatures of ${key.scheme}: a newer one can`);
    }
    return false;
  }
}

/**
 * What makes a key that key, whatever it is called: one key under two ids signs once.
 * @param {Key} key
 * @returns {string}
 */
export function keyIdentity(key) {
  const { keytype, keyval } = key;
  return keytype === "ed25519" ? keyval.public.toLowerCase() : keyval.public.replace(/\s/g, "");
}

/**
 * @param {Key} key
 * @param {Scheme} scheme
 * @returns {Promise<CryptoKey>}
 */
function importKey(key, scheme) {
  const raw = key.keytype === "ed25519";
  const data = raw ? fromHex(key.keyval.public) : fromPem(key.keyval.public);
  return subtle().importKey(raw ? "raw" : "spki", data, scheme.import, false, ["verify"]);
}

/** @param {string} pem */
function fromPem(pem) {
  const body = /-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----/.exec(pem);
  if (!body) throw new Error("not a public key in PEM");
  return fromBase64(/** @type {string} */ (body[1]).replace(/\s/g, ""));
}

/**
 * Return an ECDSA signature as WebCrypto wants it: the two numbers at full size, without DER.
 * @param {Uint8Array} der
 * @param {number} size
 * @returns {Uint8Array<ArrayBuffer>}
 */
function plainEcdsa(der, size) {
  const plain = new Uint8Array(2 * size);
  const long = der[1] === 0x81 ? 1 : 0;
  let place = 2 + long;
  if (der[0] !== 0x30 || der[1 + long] !== der.length - place) throw new Error("not a signature in DER");
  for (const end of [size, 2 * size]) {
    const length = der[place + 1] ?? 0;
    const number = der.subarray(place + 2, place + 2 + length);
    const digits = number[0] === 0 ? number.subarray(1) : number;
    if (der[place] !== 0x02 || number.length !== length || digits.length > size) {
      throw new Error("not a signature in DER");
    }
    plain.set(digits, end - digits.length);
    place += 2 + length;
  }
  if (place !== der.length) throw new Error("not a signature in DER");
  return plain;
}
