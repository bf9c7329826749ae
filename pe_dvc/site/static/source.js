/** What is read from the bucket, by HTTP: bounded, and with errors kept apart. */

import { StorePermissionError, StoreUnavailableError, VerificationError } from "./errors.js";
import { parseJson } from "./canonical-json.js";

/** @typedef {(url: string, options: RequestInit) => Promise<Response>} Fetch */

export class HttpSource {
  /**
   * @param {string} store the address of the bucket, such as https://data.example.org
   * @param {Fetch} [fetcher]
   */
  constructor(store, fetcher = (url, options) => fetch(url, options)) {
    this.store = store.replace(/\/+$/, "");
    this.fetcher = fetcher;
  }

  /**
   * @param {string} key as it stands in an address: percent-encoded, if need be
   * @param {number} limit bytes; what is longer is not read, which an endless answer relies on
   * @returns {Promise<Uint8Array | undefined>} undefined if there is no such object
   * @throws {import("./errors.js").TrustError}
   */
  async read(key, limit) {
    const answer = await this.ask(key, {});
    if (answer.status === 404) return undefined;
    return body(answer, limit, `${this.store}/${key}`);
  }

  /**
   * @param {string} key
   * @param {number} start
   * @param {number} length bytes; not 0
   * @returns {Promise<Uint8Array>} as many bytes as there are
   * @throws {import("./errors.js").TrustError}
   */
  async readRange(key, start, length) {
    const answer = await this.ask(key, { Range: `bytes=${start}-${start + length - 1}` });
    const where = `${this.store}/${key}`;
    if (answer.status === 404) throw new VerificationError(`${where} is gone`);
    if (answer.status !== 206) {
      await answer.body?.cancel();
      throw new StoreUnavailableError(`${where}: the server does not answer with a part of a file`);
    }
    return body(answer, length, where);
  }

  /**
   * @param {string} key
   * @param {Record<string, string>} headers
   */
  async ask(key, headers) {
    const where = `${this.store}/${key}`;
    let answer;
    try {
      answer = await this.fetcher(where, { cache: "no-store", credentials: "omit", headers });
    } catch (error) {
      throw new StoreUnavailableError(`${where} cannot be read from here: ${reasonOf(error)}`);
    }
    if (answer.ok || answer.status === 404) return answer;
    await answer.body?.cancel();
    if (answer.status === 403) throw new StorePermissionError(`${where} may not be read`);
    throw new StoreUnavailableError(`${where}: the server answers ${answer.status}`);
  }
}

/**
 * @param {Response} answer
 * @param {number} limit
 * @param {string} where
 */
async function body(answer, limit, where) {
  const reader = answer.body?.getReader();
  /** @type {Uint8Array[]} */
  const parts = [];
  let length = 0;
  for (;;) {
    const { done, value } = (await reader?.read().catch((error) => {
      throw new StoreUnavailableError(`${where} broke off: ${reasonOf(error)}`);
    })) ?? { done: true, value: undefined };
    if (done || !value) break;
    length += value.length;
    if (length > limit) {
      await reader?.cancel();
      throw new VerificationError(`${where}: expected at most ${limit} bytes; it was not read`);
    }
    parts.push(value);
  }
  return joined(parts, length);
}

/**
 * @param {Uint8Array[]} parts
 * @param {number} length of all of them
 */
export function joined(parts, length) {
  const whole = new Uint8Array(length);
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}

/** A country's metadata in a bucket, which says itself what it is for (`pe_dvc/trust/country_and_role.py`). */
export class MetadataSource {
  /**
   * @param {HttpSource} http
   * @param {string} country
   * @param {string} [prefix] where the files are
   */
  constructor(http, country, prefix = `channels/${country}/`) {
    this.http = http;
    this.country = country;
    this.prefix = prefix;
  }

  /** @param {string} name */
  where(name) {
    return `${this.http.store}/${this.prefix}${name}`;
  }

  /**
   * @param {string} name such as 3.latest.json
   * @param {number} limit
   * @returns {Promise<Uint8Array | undefined>} undefined if there is no such file
   * @throws {import("./errors.js").TrustError}
   */
  async read(name, limit) {
    const data = await this.http.read(this.prefix + name, limit);
    if (data) checkMeantFor(data, this.country, roleOfFile(name), this.where(name));
    return data;
  }
}

/** @param {string} name */
function roleOfFile(name) {
  return name.replace(/\.json$/, "").split(".").pop() ?? "";
}

/**
 * Keys get shared: a signature says whose it is, and not for which country and role.
 * @param {Uint8Array} data
 * @param {string} country
 * @param {string} role
 * @param {string} where
 * @throws {VerificationError} if metadata says that it is for another country or role
 * @throws {import("./errors.js").FormatError} for what is no JSON
 */
export function checkMeantFor(data, country, role, where) {
  const signed = /** @type {any} */ (parseJson(data, where))?.signed ?? {};
  for (const [field, wanted] of [["x-pe-dvc-country", country], ["x-pe-dvc-role", role]]) {
    const said = Object.hasOwn(Object(signed), field ?? "") ? signed[field ?? ""] : wanted;
    if (said !== wanted) {
      throw new VerificationError(`${where} says that it is of ${String(said).slice(0, 40)}, and ${wanted} was asked for`);
    }
  }
}

/** @param {unknown} error */
function reasonOf(error) {
  return error instanceof Error ? error.message : String(error);
}

