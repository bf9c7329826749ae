/**
 * One refresh: from a trusted root to today's targets, and the roles below them.
 *
 * It does what python-tuf's client does, in its order, with the limits of `pe_dvc/trust/roles.py`. Sections
 * are those of https://theupdateframework.github.io/specification/v1.0.33/. Every file is remembered
 * as soon as it verifies, so that a refresh that is refused half-way forgets nothing.
 */

import { own } from "./bytes.js";
import { bytes, checkSnapshots, checkTimestamps, checkVersion, promisedFile, quietly, sameBytes, successor } from "./checks.js";
import { NotFoundError, StorePermissionError, TrustError, VerificationError } from "./errors.js";
import { floorOf } from "./floor.js";
import { compareSnapshots, compareTimestamps, forked } from "./forks.js";
import { checkFresh, checkPromise, parseMetadata, verifySigned } from "./metadata.js";
import { allFailed, within } from "./stores.js";

/** @typedef {import("./metadata.js").Metadata} Metadata */
/** @typedef {import("./lineage.js").Lineage} Lineage */
/** @typedef {import("./source.js").MetadataSource} MetadataSource */
/** @typedef {import("./stores.js").Stores} Stores */
/** @typedef {import("./metadata.js").Promised} Promised */

/** Most bytes of a file that are ever read; delegated roles have that of targets. */
export const MAX_LENGTH = { root: 512_000, timestamp: 16_384, snapshot: 2_000_000, targets: 5_000_000 };
const MAX_ROOTS = 256;
const PAGE = "what was published when this page was made";

export class Refresh {
  /**
   * @param {Stores} stores
   * @param {Lineage} lineage what was verified earlier
   * @param {Metadata} root the trusted one (5.2)
   * @param {Date} now
   * @param {Uint8Array[]} [seen] what others saw published (`floorOf`), nothing older than which counts
   */
  constructor(stores, lineage, root, now, seen = []) {
    this.stores = stores;
    this.lineage = lineage;
    this.root = root;
    this.now = now;
    this.seen = seen;
    /** @type {Map<string, Metadata>} */
    this.trusted = new Map();
    /** @type {import("./floor.js").Floor | undefined} */
    this.floor = undefined;
    /** @type {import("./stores.js").Shown<Metadata>[]} the timestamps of all stores, as far as they are signed */
    this.shown = [];
    /** @type {MetadataSource[]} those that show the timestamp that counts */
    this.promisers = [];
  }

  /**
   * @returns {Promise<this>} with root, timestamp, snapshot and targets
   * @throws {TrustError}
   */
  async run() {
    await this.followRoots();
    await this.takeFloor();
    await this.loadTimestamp();
    await this.loadSnapshot();
    await this.load("targets", this.root);
    await this.compareHistories();
    return this;
  }

  /** @param {string} role */
  get(role) {
    const found = this.trusted.get(role);
    if (!found) throw new VerificationError(`${role} was not verified`);
    return found;
  }

  /** 5.3: each next root is signed by the one before, and by itself. */
  async followRoots() {
    for (let count = 0; count < MAX_ROOTS; count++) {
      const next = this.root.version + 1;
      const kept = this.lineage.roots.get(next);
      const found = await quietly(async () => (kept === undefined ? undefined : successor(this.root, bytes(kept), "a root seen earlier")));
      if (found) {
        this.root = found;
        continue;
      }
      const following = await this.nextRoot();
      if (!following) return;
      this.root = following;
      await this.lineage.keepRoot(following);
    }
  }

  /** The root that any store shows: none can hide a change of keys. */
  async nextRoot() {
    const shown = await this.stores.all((source) => this.nextRootAt(source));
    const [first, ...others] = shown.flatMap(({ source, value }) => (value ? [{ source, value }] : []));
    for (const other of others) {
      if (first && !sameBytes(other.value.payload, first.value.payload)) {
        throw forked(first.source.http.store, other.source.http.store, `as version ${first.value.version} of root`);
      }
    }
    return first?.value;
  }

  /**
   * S3 answers 403 for a missing object to readers that may not list: no newer root either.
   * @param {MetadataSource} source
   */
  async nextRootAt(source) {
    const name = `${this.root.version + 1}.root.json`;
    const data = await source.read(name, MAX_LENGTH.root).catch((error) => {
      if (error instanceof StorePermissionError) return undefined;
      throw error;
    });
    return data && successor(this.root, data, source.where(name));
  }

  /** What others saw counts as if it had been verified here earlier, unless more was. */
  async takeFloor() {
    this.floor = await floorOf(this.seen, this.root, this.stores.country);
    const kept = await this.kept("timestamp", this.root);
    if (!this.floor || (kept && kept.version >= this.floor.timestamp.version)) return;
    await this.lineage.keep("timestamp", this.floor.timestamp);
    await this.lineage.keep("snapshot", this.floor.snapshot);
  }

  /** 5.4: the highest timestamp that is valid counts, whichever store shows it. */
  async loadTimestamp() {
    const kept = await this.kept("timestamp", this.root);
    this.shown = await this.stores.all((source) => this.timestampAt(source));
    this.compareShown(kept);
    /** @type {TrustError[]} */
    const errors = [];
    for (const { source, value } of [...this.shown].sort((one, other) => other.value.version - one.value.version)) {
      try {
        await this.acceptTimestamp(kept, value, source.where("timestamp.json"));
        this.promisers = this.shown.filter((one) => one.value.version === value.version).map((one) => one.source);
        return;
      } catch (error) {
        if (!(error instanceof TrustError)) throw error;
        this.stores.failed(source, error);
        errors.push(error);
      }
    }
    throw allFailed(errors);
  }

  /**
   * 5.3.10: the root that is last may not have expired.
   * @param {MetadataSource} source
   */
  async timestampAt(source) {
    const where = source.where("timestamp.json");
    const data = await source.read("timestamp.json", MAX_LENGTH.timestamp);
    if (!data) throw new NotFoundError(`there are no channels: ${where} does not exist`);
    checkFresh(this.root, this.now, "the newest root");
    const found = parseMetadata(data, "timestamp", where);
    await verifySigned(this.root, "timestamp", found, where);
    return found;
  }

  /** @type {(kept: Metadata | undefined, found: Metadata, where: string) => Promise<void>} */
  async acceptTimestamp(kept, found, where) {
    if (kept) checkTimestamps(kept, found, where);
    const timestamp = kept && kept.version === found.version ? kept : found;
    checkFresh(timestamp, this.now, where);
    if (timestamp === found) await this.lineage.keep("timestamp", found);
    this.trusted.set("timestamp", timestamp);
  }

  /** 5.5 */
  async loadSnapshot() {
    const promised = this.get("timestamp").signed.meta["snapshot.json"];
    const kept = await this.kept("snapshot", this.root);
    if (kept && kept.version === promised.version && this.now < kept.expires) {
      this.trusted.set("snapshot", kept);
      return;
    }
    const found = await this.stores.firstGood(async (source) => {
      const where = source.where(this.fileOf("snapshot", promised.version));
      const snapshot = await this.snapshotAt(source, promised);
      if (kept) checkSnapshots(kept, snapshot, where);
      checkFresh(snapshot, this.now, where);
      checkVersion(snapshot, promised.version, where);
      return snapshot;
    }, this.promisers);
    await this.lineage.keep("snapshot", found);
    this.trusted.set("snapshot", found);
  }

  /** @type {(source: MetadataSource, promised: Promised) => Promise<Metadata>} */
  async snapshotAt(source, promised) {
    const name = this.fileOf("snapshot", promised.version);
    const data = await promisedFile(source, name, promised, MAX_LENGTH.snapshot);
    const found = parseMetadata(data, "snapshot", source.where(name));
    await verifySigned(this.root, "snapshot", found, source.where(name));
    return found;
  }

  /**
   * Targets (5.6), or a role that `delegator` delegates to (5.6.7).
   * @param {string} role
   * @param {Metadata} delegator
   * @returns {Promise<Metadata>}
   * @throws {TrustError}
   */
  async load(role, delegator) {
    const promised = own(this.get("snapshot").signed.meta, `${role}.json`);
    if (!promised) throw new VerificationError(`snapshot does not name ${role}`);
    const name = this.fileOf(role, promised.version);
    const kept = bytes(this.lineage.files.get(role) ?? "");
    const same = await quietly(() => this.checked(role, kept, promised, delegator, name));
    const found = same ?? (await this.stores.firstGood(async (source) => {
      const data = await promisedFile(source, name, promised, MAX_LENGTH.targets);
      return this.checked(role, data, promised, delegator, source.where(name));
    }, this.promisers));
    if (!same) await this.lineage.keep(role, found);
    this.trusted.set(role, found);
    return found;
  }

  /** @type {(role: string, data: Uint8Array, promised: Promised, delegator: Metadata, where: string) => Promise<Metadata>} */
  async checked(role, data, promised, delegator, where) {
    await checkPromise(data, promised, where);
    const found = parseMetadata(data, "targets", where);
    await verifySigned(delegator, role, found, where);
    checkVersion(found, promised.version, where);
    checkFresh(found, this.now, where);
    return found;
  }

  /**
   * Compare the timestamps that stores show with each other, and with what was seen before.
   * @param {Metadata | undefined} kept
   */
  compareShown(kept) {
    if (this.stores.isOne && !this.floor) return;
    const seen = this.shown.map(({ source, value }) => ({ where: source.http.store, value }));
    if (kept) seen.push({ where: "what this browser verified earlier", value: kept });
    if (this.floor) seen.push({ where: PAGE, value: this.floor.timestamp });
    for (const [place, one] of seen.entries()) {
      for (const other of seen.slice(place + 1)) compareTimestamps(one, other);
    }
  }

  /** Compare the snapshot that counts with those of stores that lag, and with what was seen before. */
  async compareHistories() {
    const mine = { where: this.promisers[0]?.http.store ?? this.stores.name, value: this.get("snapshot") };
    if (this.floor) compareSnapshots(mine, { where: PAGE, value: this.floor.snapshot });
    for (const { source, value } of this.shown) {
      const promised = value.signed.meta["snapshot.json"];
      if (promised.version === mine.value.version) continue;
      const other = await within(this.stores.grace, quietly(() => this.snapshotAt(source, promised)));
      if (other) compareSnapshots(mine, { where: source.http.store, value: other });
    }
  }

  /** @type {(role: string, version: number) => string} */
  fileOf(role, version) {
    const file = `${encodeURIComponent(role)}.json`;
    return this.root.signed.consistent_snapshot === false ? file : `${version}.${file}`;
  }

  /**
   * What was verified earlier, if it is signed by today's keys: expired or not, nothing older counts.
   * @param {"timestamp" | "snapshot"} role
   * @param {Metadata} root
   */
  async kept(role, root) {
    const text = this.lineage.files.get(role);
    if (text === undefined) return undefined;
    return quietly(async () => {
      const found = parseMetadata(bytes(text), role, `the ${role} seen earlier`);
      await verifySigned(root, role, found, `the ${role} seen earlier`);
      return found;
    });
  }
}
