/**
 * A reader of channels in the browser: what a bucket says, verified from a pinned root.
 *
 * It is the JavaScript twin of `pe_dvc/trust/client.py`, and both are held to the same attacks. It runs in
 * browsers and in Node.js, with WebCrypto and nothing else. What it proves and what it cannot is in
 * `docs/adr/0027-verified-in-the-browser.md`.
 */

import { binsOf, numberOf, readBin } from "./bins.js";
import { own } from "./bytes.js";
import { isCountry, isName, pointersOf, releasesOf, revocationsOf } from "./entries.js";
import { FormatError, NotPublishedError, VerificationError } from "./errors.js";
import { findLineage } from "./lineage.js";
import { delegationOf, parseMetadata, verifySigned } from "./metadata.js";
import { Refresh } from "./refresh.js";
import { checkMeantFor, HttpSource, MetadataSource } from "./source.js";
import { Stores } from "./stores.js";

/** @typedef {import("./metadata.js").Metadata} Metadata */
/** @typedef {import("./entries.js").Pointer} Pointer */
/** @typedef {import("./entries.js").Revocation} Revocation */
/** @typedef {import("./entries.js").Released} Released */

/**
 * @template Entry
 * @typedef {object} Role
 * @property {number} version
 * @property {Date} expires
 * @property {{id: string, name?: string}[]} signers the keys that signed it, with their names if they have any
 * @property {Map<string, Entry>} entries by name, sha256 or tag; none of a channel in bins
 * @property {import("./bins.js").Bins} [bins] where the pointers of a large channel are: ask `lookup`
 */

const CHANNELS = ["latest", "next"];

export class ChannelClient {
  /**
   * One client is one consistent view: the state of the bucket and its mirrors as it was when first asked.
   * @param {object} options
   * @param {string[]} options.stores the address of the bucket, and those of mirrors
   * @param {string} options.country such as us
   * @param {Uint8Array} options.root the pinned root.json
   * @param {import("./store.js").State} options.state
   * @param {Uint8Array[]} [options.seen] what was published when the page was made (`floorOf`)
   * @param {Date} [options.now]
   * @param {import("./source.js").Fetch} [options.fetcher]
   * @param {number} [options.grace] milliseconds that stores are waited for once one has answered
   */
  constructor({ stores, country, root, state, seen = [], now = new Date(), fetcher, grace }) {
    if (!isCountry(country)) throw new FormatError(`${JSON.stringify(country)} is not a country`);
    this.country = country;
    this.stores = new Stores(stores.map((one) => new MetadataSource(new HttpSource(one, fetcher), country)), grace);
    this.seen = seen;
    this.pinned = root;
    this.state = state;
    this.now = now;
    /** @type {Refresh | undefined} */
    this.refresh = undefined;
    /** @type {Map<string, Role<any>>} */
    this.roles = new Map();
    /** Whether this browser remembered something to measure a rollback against. */
    this.hasSeen = false;
    /** Whether the page brought something to measure it against. */
    this.hasFloor = false;
  }

  /**
   * The pointer of a dataset, undefined if the channel does not have it.
   * @param {string} channel
   * @param {string} name
   * @returns {Promise<Pointer | undefined>}
   * @throws {import("./errors.js").TrustError} in the family that fits
   */
  async lookup(channel, name) {
    if (!isName(name)) throw new FormatError(`${JSON.stringify(name)} is not a dataset name`);
    const { entries, bins } = await this.channel(channel);
    if (!bins) return entries.get(name);
    const number = await numberOf(`${this.country}/${channel}/${name}`, bins.bits);
    return (await readBin(this.stores, bins, number, channel)).get(name);
  }

  /**
   * A channel: its version, who signed it, and its pointers, unless they are in bins. Throws as `lookup`.
   * @param {string} channel
   * @returns {Promise<Role<Pointer>>}
   */
  async channel(channel) {
    if (!CHANNELS.includes(channel)) throw new FormatError(`${channel} is not a channel`);
    return this.role(channel);
  }

  /**
   * What was withdrawn. Throws as `lookup`, and NotPublishedError where nothing ever was.
   * @returns {Promise<Role<Revocation>>}
   */
  async revocations() {
    return this.role("revoked");
  }

  /**
   * Every published release. Throws as `lookup`.
   * @returns {Promise<Role<Released>>}
   */
  async releases() {
    return this.role("releases");
  }

  /**
   * The moment from which all of this is no longer current: the first to expire of what was verified.
   * @returns {Date | undefined} undefined before anything was asked
   */
  expires() {
    const times = [this.refresh?.root, ...(this.refresh?.trusted.values() ?? [])].flatMap((one) => one?.expires ?? []);
    return times.sort((one, other) => one.getTime() - other.getTime())[0];
  }

  /** @param {string} name */
  async role(name) {
    const key = `${this.stores.sources[0]?.http.store} ${this.country}`;
    let found = this.roles.get(name);
    if (!found) {
      found = await this.state.exclusive(key, () => this.load(name, key));
      this.roles.set(name, found);
    }
    return found;
  }

  /**
   * After a failure the next attempt refreshes again, from all that has verified.
   * @param {string} name
   * @param {string} key
   */
  async load(name, key) {
    let refresh = this.refresh;
    this.refresh = undefined;
    const root = await this.trustedRoot();
    const lineage = await findLineage(this.state, key, root, this.stores);
    if (refresh) {
      refresh.lineage = lineage;
    } else {
      this.hasSeen = lineage.files.has("timestamp");
      refresh = await new Refresh(this.stores, lineage, root, this.now, this.seen).run();
      this.hasFloor = refresh.floor !== undefined;
    }
    const targets = refresh.get("targets");
    const delegated = delegationOf(targets, name)?.paths?.includes(`${this.country}/${name}/*`);
    if (delegated && !own(refresh.get("snapshot").signed.meta, `${name}.json`)) {
      this.refresh = refresh;
      throw new NotPublishedError(`${name} of ${this.country} was not published in ${this.stores.name} yet`);
    }
    if (!delegated) {
      throw new VerificationError(
        `targets in ${this.stores.name} does not delegate ${this.country}/${name}/…: this is another country's ` +
          "metadata, or a channel that was removed",
      );
    }
    const metadata = await refresh.load(name, targets);
    const found = await this.described(name, metadata, targets);
    this.refresh = refresh;
    return found;
  }

  /** The pinned root is trusted as it stands, if it is this country's and signed by itself. */
  async trustedRoot() {
    const where = `the pinned root of ${this.country}`;
    checkMeantFor(this.pinned, this.country, "root", where);
    const root = parseMetadata(this.pinned, "root", where);
    await verifySigned(root, "root", root, where);
    return root;
  }

  /**
   * @param {string} name
   * @param {Metadata} metadata
   * @param {Metadata} targets
   * @returns {Promise<Role<any>>}
   */
  async described(name, metadata, targets) {
    const where = this.stores.where(`${metadata.version}.${name}.json`);
    const ids = await verifySigned(targets, name, metadata, where);
    const { version, expires } = metadata;
    const signers = ids.map((id) => signerOf(targets, id));
    const bins = CHANNELS.includes(name) ? binsOf(metadata.signed, where) : undefined;
    return { version, expires, signers, bins, entries: bins ? new Map() : this.entries(name, metadata, where) };
  }

  /** @type {(name: string, metadata: Metadata, where: string) => Map<string, any>} */
  entries(name, { signed }, where) {
    if (name === "revoked") return revocationsOf(signed.targets, this.country, where);
    if (name === "releases") return releasesOf(signed.targets, this.country, where);
    return pointersOf(signed.targets, this.country, name, where);
  }
}

/** @type {(targets: Metadata, id: string) => {id: string, name?: string}} */
function signerOf(targets, id) {
  const name = targets.signed.delegations.keys[id]["x-pe-dvc-name"];
  return typeof name === "string" ? { id, name } : { id };
}
