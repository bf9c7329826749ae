/**
 * The stores that a country is read from, one or several, none of which need be trusted: what one lacks,
 * or shows wrong, is read from the next (`docs/adr/0022-several-stores.md`).
 */

import { EquivocationError, NotFoundError, NotPublishedError, StoreUnavailableError, TrustError, UnsupportedError } from "./errors.js";

/** @typedef {import("./source.js").MetadataSource} MetadataSource */
/**
 * @template Value
 * @typedef {{source: MetadataSource, value: Value}} Shown what one store shows
 */

/** Milliseconds that the others are waited for once one has answered. */
export const GRACE = 5000;

export class Stores {
  /**
   * @param {MetadataSource[]} sources the bucket first
   * @param {number} [grace]
   */
  constructor(sources, grace = GRACE) {
    this.sources = sources;
    this.grace = grace;
    /** @type {Map<MetadataSource, TrustError>} the last fault of each store that failed or lied */
    this.faults = new Map();
  }

  get country() {
    return this.sources[0]?.country ?? "";
  }

  get isOne() {
    return this.sources.length === 1;
  }

  /** Their addresses, for messages. */
  get name() {
    return this.sources.map((one) => one.http.store).join(", ");
  }

  /** @param {string} name of a file */
  where(name) {
    return this.sources.map((one) => one.where(name)).join(", ");
  }

  /**
   * What `work` gives at the first store with which it succeeds.
   * @template Value
   * @param {(source: MetadataSource) => Promise<Value>} work reads something, and checks it
   * @param {MetadataSource[]} [promised] who has promised it: asked first, and blamed if it is not there
   * @returns {Promise<Value>}
   * @throws {TrustError} the first fault, if all fail
   */
  async firstGood(work, promised = this.sources) {
    /** @type {TrustError[]} */
    const errors = [];
    /** @param {MetadataSource} one */
    const rank = (one) => (promised.includes(one) ? 0 : 2) + (this.faults.has(one) ? 1 : 0);
    for (const source of [...this.sources].sort((one, other) => rank(one) - rank(other))) {
      try {
        return await work(source);
      } catch (error) {
        errors.push(passedOver(error));
        if (promised.includes(source)) this.failed(source, passedOver(error));
      }
    }
    throw allFailed(errors);
  }

  /**
   * What `work` gives at every store that answers; all are asked at once. Who is silent is waited for a
   * little, unless it was not there before.
   * @template Value
   * @param {(source: MetadataSource) => Promise<Value>} work
   * @returns {Promise<Shown<Value>[]>}
   * @throws {TrustError} if none answers
   */
  async all(work) {
    /** @type {Shown<Value>[]} */
    const found = [];
    /** @type {Map<MetadataSource, unknown>} */
    const failed = new Map();
    const patience = new Patience(this.grace);
    const asked = this.sources.map(async (source) => {
      try {
        found.push({ source, value: await work(source) });
        patience.begin();
      } catch (error) {
        failed.set(source, error);
      }
    });
    const awaited = asked.filter((_, place) => !this.isUnavailable(this.sources[place]));
    await Promise.race([Promise.all(awaited.length ? awaited : asked), patience.end]);
    patience.stop();
    const answers = [...found];
    for (const source of this.sources) {
      if (answers.some((one) => one.source === source)) continue;
      this.failed(source, passedOver(failed.get(source) ?? this.late(source)));
    }
    if (answers.length === 0) throw allFailed(this.sources.map((source) => passedOver(failed.get(source) ?? this.late(source))));
    return answers;
  }

  /** @param {MetadataSource | undefined} source */
  isUnavailable(source) {
    return source !== undefined && this.faults.get(source) instanceof StoreUnavailableError;
  }

  /** @param {MetadataSource} source */
  late(source) {
    return new StoreUnavailableError(`${source.http.store} did not answer within ${this.grace / 1000} seconds of another store`);
  }

  /**
   * That a store lacks something is no fault: a mirror may hold a part.
   * @param {MetadataSource} source
   * @param {TrustError} error
   */
  failed(source, error) {
    if (!(error instanceof NotFoundError)) this.faults.set(source, error);
  }
}

/** A time that begins when it is told to. */
class Patience {
  /** @param {number} duration milliseconds */
  constructor(duration) {
    this.duration = duration;
    /** @type {() => void} */
    this.over = () => undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {Promise<void>} */
    this.end = new Promise((resolve) => (this.over = resolve));
  }

  begin() {
    this.timer ??= setTimeout(this.over, this.duration);
  }

  stop() {
    clearTimeout(this.timer);
  }
}

/**
 * What `work` gives within a time, undefined if that is over before.
 * @template Value
 * @param {number} duration milliseconds
 * @param {Promise<Value>} work
 * @returns {Promise<Value | undefined>}
 */
export async function within(duration, work) {
  const patience = new Patience(duration);
  patience.begin();
  return Promise.race([work, patience.end.then(() => undefined)]).finally(() => patience.stop());
}

/**
 * An error for which another store may do better; any other is thrown.
 * @param {unknown} error
 * @returns {TrustError}
 */
function passedOver(error) {
  const others = [EquivocationError, NotPublishedError, UnsupportedError];
  if (!(error instanceof TrustError) || others.some((family) => error instanceof family)) throw error;
  return error;
}

/**
 * The error of several stores, each of which failed: one that says more than that something is not there.
 * @param {TrustError[]} errors
 * @returns {TrustError}
 */
export function allFailed(errors) {
  const first = errors.find((error) => !(error instanceof NotFoundError)) ?? errors[0];
  if (first === undefined) throw new Error("no store was asked");
  const others = errors.filter((error) => error !== first).map((error) => error.message);
  if (others.length) first.message += `; the other stores failed, too: ${others.join("; ")}`;
  return first;
}
