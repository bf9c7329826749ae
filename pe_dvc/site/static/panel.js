/**
 * Fills `<div id="trust">` with what this browser has verified itself, or what failed.
 *
 * The page gives it `data-country`, `data-bucket` (the bucket's address), `data-root` (the file of the pinned
 * root, beside the page), and on a dataset's page `data-channel`, `data-name`, `data-sha256` and
 * `data-manifest-sha256`. The verdict is in `data-verdict` as well.
 */

import { StoreUnavailableError, TrustError } from "./errors.js";
import { MAX_LENGTH } from "./refresh.js";
import { HttpSource } from "./source.js";
import { openState } from "./store.js";
import { ChannelClient } from "./trust.js";
import { failure, verdictOn } from "./verdict.js";

/**
 * @param {HTMLElement} panel
 * @returns {Promise<import("./verdict.js").Verdict>}
 */
async function verdictOf({ dataset }) {
  const { bucket: store, channel = "latest", country = "", name, sha256, manifestSha256 } = dataset;
  if (!store) return { kind: "unknown", text: "Not checked: this site does not say where its bucket can be read." };
  try {
    const root = await pinnedRoot(dataset.root ?? "");
    const client = new ChannelClient({ store, country, root, state: await openState() });
    return await verdictOn(client, { channel, name, sha256, manifestSha256 });
  } catch (error) {
    if (error instanceof TrustError) return failure(error);
    throw error;
  }
}

/** @param {string} address */
async function pinnedRoot(address) {
  const url = new URL(address, document.baseURI);
  const data = await new HttpSource(url.origin).read(url.pathname.slice(1), MAX_LENGTH.root);
  if (!data) throw new StoreUnavailableError(`${url.href} does not exist`);
  return data;
}

/** @param {HTMLElement} panel */
async function fill(panel) {
  panel.dataset.verdict = "checking";
  say(panel, "Checking the signatures in your browser…");
  const { kind, text, detail } = await verdictOf(panel).catch((error) => ({
    kind: "unknown",
    text: "Not checked: the check itself failed.",
    detail: String(error),
  }));
  say(panel, text, detail);
  panel.dataset.verdict = kind;
}

/** @type {(panel: HTMLElement, ...texts: (string | undefined)[]) => void} */
function say(panel, ...texts) {
  const paragraphs = texts.filter((text) => text !== undefined).map((text) => {
    const paragraph = document.createElement("p");
    paragraph.dir = "auto";
    paragraph.textContent = text;
    return paragraph;
  });
  panel.replaceChildren(...paragraphs);
}

const panel = document.getElementById("trust");
if (panel) await fill(panel);
