/** What a panel says: the verdict on what a page shows, as one sentence and what was checked. */

import {
  DigestMismatchError, EquivocationError, ExpiredError, FormatError, NotFoundError, NotPublishedError, RollbackError, SignatureError,
  StorePermissionError, StoreUnavailableError, TrustError, UnsupportedError,
} from "./errors.js";
import { readManifest } from "./manifest.js";

/** @typedef {import("./trust.js").ChannelClient} ChannelClient */

/**
 * @typedef {object} Shown what a page says that it shows; only `channel` if it is about no single dataset
 * @property {string} channel
 * @property {string} [name]
 * @property {string} [sha256]
 * @property {string} [manifestSha256]
 * @property {number} [version] of the channel, when the page was made
 *
 * @typedef {object} Verdict
 * @property {"verified" | "outdated" | "withdrawn" | "failed" | "unknown"} kind
 *   `outdated`: the bucket verified, and has moved on since the page was made; `unknown`: nothing could be
 *   checked, which says nothing of the data
 * @property {string} text
 * @property {string} [detail]
 */

const DAY = 24 * 60 * 60 * 1000;

/** @type {[new (message: string) => TrustError, string][]} the most special first */
const FAILURES = [
  [EquivocationError, "two documents contradict each other, and both are validly signed"],
  [RollbackError, "the bucket shows an older state than this browser has seen before, or than this page was made from"],
  [ExpiredError, "what the bucket shows has expired: it may be an old state"],
  [SignatureError, "not enough of the keys have signed what the bucket shows"],
  [DigestMismatchError, "a file is not the one that was signed"],
  [FormatError, "a file is not in its form"],
];
/** @type {[new (message: string) => TrustError, string][]} */
const UNKNOWN = [
  [UnsupportedError, "this browser cannot verify it"],
  [StoreUnavailableError, "the bucket cannot be read from here"],
  [StorePermissionError, "the bucket may not be read from here"],
  [NotFoundError, "there is nothing to verify in the bucket"],
];

/**
 * Verify what a page shows.
 * @param {ChannelClient} client
 * @param {Shown} shown
 * @returns {Promise<Verdict>}
 */
export async function verdictOn(client, shown) {
  try {
    return await checked(client, shown);
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    return failure(error);
  }
}

/**
 * @param {ChannelClient} client
 * @param {Shown} shown
 * @returns {Promise<Verdict>}
 */
async function checked(client, shown) {
  const channel = await client.channel(shown.channel);
  const withdrawn = await withdrawnOf(client, shown);
  if (withdrawn) return withdrawn;
  const pointer = shown.name === undefined ? undefined : await client.lookup(shown.channel, shown.name);
  const manifest = await manifestShown(client, shown, pointer);
  const detail = `Checked from the root that this page pins${measure(client)}${faultsOf(client)}`;
  const signers = channel.signers.map(({ id, name }) => (name ? `${name} (${id.slice(0, 8)}…)` : `key ${id.slice(0, 8)}…`));
  const what = `${shown.channel} version ${channel.version} of ${client.country}`;
  const valid = `signed by ${signers.join(" and ")}, valid for ${daysTo(client.expires(), client.now)}`;
  if (shown.name === undefined) return { kind: "verified", text: `Verified in your browser: ${what}, ${valid}.`, detail };
  if (!manifest) {
    if (shown.version !== undefined && channel.version < shown.version) {
      const made = `This page was made of ${shown.channel} version ${shown.version}, and the bucket shows ${what}`;
      return { kind: "outdated", text: `${made}, ${valid}: what it shows is not published yet, or the bucket shows an older state.`, detail };
    }
    const now = pointer ? `points to another artifact of ${shown.name}` : `has no ${shown.name}`;
    return { kind: "outdated", text: `This page is not of the newest data: ${what} ${now}. That was verified in your browser, ${valid}.`, detail };
  }
  return { kind: "verified", text: `Verified in your browser: this page shows what ${what} points to, ${valid}.`, detail };
}

/**
 * The manifest of what the page shows, undefined if the channel points to something else.
 * @param {ChannelClient} client
 * @param {Shown} shown
 * @param {import("./entries.js").Pointer | undefined} pointer
 */
async function manifestShown({ stores, country }, { sha256, manifestSha256 }, pointer) {
  if (!pointer || pointer.manifestSha256 !== manifestSha256 || pointer.sha256 !== sha256) return undefined;
  return stores.firstGood((source) => readManifest(source.http, country, pointer));
}

/**
 * Which of several stores failed or lied: the others have given what was signed.
 * @param {ChannelClient} client
 */
function faultsOf({ stores }) {
  const faults = [...stores.faults].map(([source, error]) => ` ${source.http.store} was passed over: ${error.message}.`);
  return faults.join("");
}

/**
 * What an older state that is still valid would have been measured against.
 * @param {ChannelClient} client
 */
function measure({ state, hasSeen, hasFloor }) {
  if (hasSeen) return ", and against what this browser has seen before.";
  if (hasFloor) {
    const since = "it could not tell an older state that is valid and was published since";
    return `, and against what was published when it was made. This browser ${state.lasts ? "sees this bucket for the first time" : "keeps nothing between pages"}: ${since}.`;
  }
  const why = state.lasts ? "sees this bucket for the first time" : "keeps nothing between pages";
  return `. This browser ${why}: it could not tell an older state that is still valid.`;
}

/**
 * @param {ChannelClient} client
 * @param {Shown} shown
 * @returns {Promise<Verdict | undefined>}
 */
async function withdrawnOf(client, { sha256 }) {
  try {
    const found = (await client.revocations()).entries.get(sha256 ?? "");
    if (!found) return undefined;
    const { revoked, authority, reason, replacement } = found;
    const detail = replacement && `Read ${replacement} instead.`;
    return { kind: "withdrawn", text: `Withdrawn on ${revoked.slice(0, 10)} by ${authority}: ${reason}`, detail };
  } catch (error) {
    if (error instanceof NotPublishedError) return undefined;
    throw error;
  }
}

/**
 * @param {TrustError} error
 * @returns {Verdict}
 */
export function failure(error) {
  const unknown = UNKNOWN.find(([family]) => error instanceof family);
  if (unknown) return { kind: "unknown", text: `Not checked: ${unknown[1]}.`, detail: error.message };
  const [, why] = FAILURES.find(([family]) => error instanceof family) ?? [, "the bucket does not show what was signed"];
  return { kind: "failed", text: `Not verified: ${why}.`, detail: error.message };
}

/**
 * @param {Date | undefined} end
 * @param {Date} now
 */
function daysTo(end, now) {
  const days = Math.floor(((end ?? now).getTime() - now.getTime()) / DAY);
  if (days < 1) return "less than a day";
  return days === 1 ? "1 day" : `${days} days`;
}
