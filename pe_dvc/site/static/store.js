/**
 * Where the browser keeps what it has verified: IndexedDB, or memory where there is none.
 *
 * Those who run scripts on the page's origin can change it. It is checked again whenever it is read.
 */

/**
 * @typedef {object} State
 * @property {boolean} lasts whether the next page that is opened knows it, too
 * @property {(key: string) => Promise<string | undefined>} get
 * @property {(key: string, value: string) => Promise<void>} set
 * @property {<Result>(key: string, work: () => Promise<Result>) => Promise<Result>} exclusive
 *   keep others out of a key while `work` runs
 */

const DATABASE = "pe-dvc-trust";
const TABLE = "verified";

/** @implements {State} */
export class MemoryState {
  lasts = false;
  /** @type {Map<string, string>} */
  #values = new Map();
  /** @type {Map<string, Promise<unknown>>} */
  #queues = new Map();

  /** @param {string} key */
  async get(key) {
    return this.#values.get(key);
  }

  /**
   * @param {string} key
   * @param {string} value
   */
  async set(key, value) {
    this.#values.set(key, value);
  }

  /**
   * @template Result
   * @param {string} key
   * @param {() => Promise<Result>} work
   * @returns {Promise<Result>}
   */
  async exclusive(key, work) {
    const before = this.#queues.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#queues.set(key, mine.catch(() => undefined));
    return mine;
  }
}

/** @implements {State} */
export class IndexedDbState {
  lasts = true;

  /** @param {IDBDatabase} database */
  constructor(database) {
    this.database = database;
  }

  /** @param {string} key */
  async get(key) {
    return done(this.database.transaction(TABLE).objectStore(TABLE).get(key));
  }

  /**
   * @param {string} key
   * @param {string} value
   */
  async set(key, value) {
    const change = this.database.transaction(TABLE, "readwrite");
    await done(change.objectStore(TABLE).put(value, key));
  }

  /**
   * Several tabs may read the same channels: the slower one must not bring back what it has read.
   * @template Result
   * @param {string} key
   * @param {() => Promise<Result>} work
   * @returns {Promise<Result>}
   */
  async exclusive(key, work) {
    return navigator.locks.request(`${DATABASE} ${key}`, work);
  }
}

/**
 * Open the browser's state; where it refuses (a private window), it is in memory and does not last.
 * @returns {Promise<State>}
 */
export async function openState() {
  try {
    const asked = indexedDB.open(DATABASE, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(TABLE);
    return new IndexedDbState(await done(asked));
  } catch {
    return new MemoryState();
  }
}

/**
 * @template Result
 * @param {IDBRequest<Result>} asked
 * @returns {Promise<Result>}
 */
function done(asked) {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}
