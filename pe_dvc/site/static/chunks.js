/**
 * Parts of a payload, each chunk of which is verified before a byte of it is given
 * (`docs/adr/0006-verified-partial-reads.md`). The chunk list is the one whose sha256 the manifest has, the
 * manifest the one whose sha256 is signed.
 */

import { digestHex, fromHex, toHex } from "./bytes.js";
import { DigestMismatchError, FormatError, VerificationError } from "./errors.js";
import { readManifest } from "./manifest.js";
import { joined } from "./source.js";

/** @typedef {import("./source.js").HttpSource} HttpSource */

const DIGEST_BYTES = 32;
const LIST_LIMIT = 64 * 1024 * 1024;
/** Chunks that one request brings, and requests at once. */
const RUN = 4;
const AT_ONCE = 8;
/** Chunks that stay in memory. */
const KEPT = 64;

export class VerifiedPayload {
  /**
   * @param {HttpSource} http
   * @param {string} key of the payload
   * @param {number} byteLength of all of it, as it is signed
   * @param {number} chunkSize bytes
   * @param {Uint8Array} digests of the chunks, 32 bytes each
   */
  constructor(http, key, byteLength, chunkSize, digests) {
    this.http = http;
    this.key = key;
    this.byteLength = byteLength;
    this.chunkSize = chunkSize;
    this.digests = digests;
    /** @type {Map<number, Promise<Uint8Array>>} */
    this.chunks = new Map();
  }

  /**
   * Open the payload that a verified pointer names.
   * @param {HttpSource} http
   * @param {string} country
   * @param {import("./entries.js").Pointer} pointer
   * @returns {Promise<VerifiedPayload>}
   * @throws {import("./errors.js").TrustError}
   */
  static async open(http, country, pointer) {
    const { artifact } = await readManifest(http, country, pointer);
    const { chunks, dvc, sha256, size } = artifact ?? {};
    if (sha256 !== pointer.sha256 || size !== pointer.size) {
      throw new VerificationError(`the manifest of ${pointer.name} is of another artifact than its pointer`);
    }
    const md5 = /^[0-9a-f]{32}$/.exec(dvc?.md5)?.[0];
    if (!md5 || !Number.isSafeInteger(chunks?.size) || chunks.size < 1) {
      throw new FormatError(`${pointer.name} is no file that can be read in parts`);
    }
    const digests =
      (await impliedList(sha256, size, chunks)) ??
      (await readList(http, `${country}/${sha256.slice(0, 2)}/${sha256}.chunks`, chunks.sha256));
    if (digests.length !== Math.ceil(size / chunks.size) * DIGEST_BYTES) {
      throw new FormatError(`the chunk list of ${pointer.name} has ${digests.length} bytes, which is not its length`);
    }
    return new VerifiedPayload(http, `${country}/files/md5/${md5.slice(0, 2)}/${md5.slice(2)}`, size, chunks.size, digests);
  }

  /**
   * The bytes from `start` to before `end`, as `Blob.slice` counts them and hyparquet asks for them.
   * @param {number} start
   * @param {number} [end]
   * @returns {Promise<ArrayBuffer>}
   * @throws {import("./errors.js").TrustError} if a chunk is not what was promised
   */
  async slice(start, end = this.byteLength) {
    const [from, to] = [start, end].map((place) => this.place(place));
    if (from === undefined || to === undefined || from >= to) return new ArrayBuffer(0);
    const first = Math.floor(from / this.chunkSize);
    const last = Math.floor((to - 1) / this.chunkSize);
    const wanted = Array.from({ length: last - first + 1 }, (_, number) => first + number);
    const found = wanted.map((number) => this.chunks.get(number));
    await this.fetchAll(wanted.filter((_, place) => found[place] === undefined));
    const parts = await Promise.all(wanted.map((number, place) => found[place] ?? this.chunks.get(number)));
    const whole = joined(/** @type {Uint8Array[]} */ (parts), parts.reduce((sum, part) => sum + (part?.length ?? 0), 0));
    this.forget();
    return whole.slice(from - first * this.chunkSize, to - first * this.chunkSize).buffer;
  }

  /** @param {number} place counted from the end, if it is negative */
  place(place) {
    return Math.min(Math.max(place < 0 ? this.byteLength + place : place, 0), this.byteLength);
  }

  /** @param {number[]} numbers of chunks, in order */
  async fetchAll(numbers) {
    /** @type {number[][]} */
    const runs = [];
    for (const number of numbers) {
      const run = runs[runs.length - 1];
      if (run && run.length < RUN && run[run.length - 1] === number - 1) run.push(number);
      else runs.push([number]);
    }
    for (let place = 0; place < runs.length; place += AT_ONCE) {
      await Promise.all(runs.slice(place, place + AT_ONCE).map((run) => this.fetchRun(run)));
    }
  }

  /** @param {number[]} run neighbours */
  async fetchRun(run) {
    const start = /** @type {number} */ (run[0]) * this.chunkSize;
    const length = Math.min(run.length * this.chunkSize, this.byteLength - start);
    const data = this.http.readRange(this.key, start, length);
    for (const [place, number] of run.entries()) {
      const checked = data.then((bytes) => this.checked(bytes, place, number));
      checked.catch(() => this.chunks.delete(number));
      this.chunks.set(number, checked);
    }
    await Promise.all(run.map((number) => this.chunks.get(number)));
  }

  /**
   * @param {Uint8Array} bytes of a run
   * @param {number} place of the chunk in it
   * @param {number} number of the chunk
   */
  async checked(bytes, place, number) {
    const chunk = bytes.subarray(place * this.chunkSize, (place + 1) * this.chunkSize);
    const expected = toHex(this.digests.subarray(number * DIGEST_BYTES, (number + 1) * DIGEST_BYTES));
    const actual = await digestHex(chunk);
    if (actual !== expected) {
      throw new DigestMismatchError(
        `${this.http.store}/${this.key}: chunk ${number} is not what was promised: expected sha256 ${expected}, got ${actual}`,
      );
    }
    return chunk;
  }

  /** Keep the chunks that were asked for last. */
  forget() {
    for (const number of this.chunks.keys()) {
      if (this.chunks.size <= KEPT) return;
      this.chunks.delete(number);
    }
  }
}

/**
 * The list of a payload that is one chunk at most: it is the payload's own digest, and need not be in the bucket.
 * @param {string} sha256 of the payload
 * @param {number} size of the payload in bytes
 * @param {{size: number, sha256: string}} chunks
 */
async function impliedList(sha256, size, chunks) {
  if (size > chunks.size) return undefined;
  const list = fromHex(size ? sha256 : "");
  return (await digestHex(list)) === chunks.sha256 ? list : undefined;
}

/**
 * @param {HttpSource} http
 * @param {string} key
 * @param {string} expected sha256
 */
async function readList(http, key, expected) {
  const data = await http.read(key, LIST_LIMIT);
  if (!data) throw new VerificationError(`${http.store}/${key} is gone, though the manifest names it`);
  if ((await digestHex(data)) !== expected) {
    throw new DigestMismatchError(`${http.store}/${key} is not the chunk list that the manifest names`);
  }
  return data;
}
