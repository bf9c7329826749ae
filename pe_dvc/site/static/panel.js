/**
 * Fills each `<div class="trust">` with what this browser has verified itself, or what failed.
 *
 * The page gives it `data-country`, `data-bucket` (the address of the bucket, then those of mirrors), `data-root` (the file of the pinned
 * root, beside the page), and on a dataset's page `data-channel`, `data-name`, `data-sha256`,
 * `data-manifest-sha256` and `data-version` (of the channel). The verdict is in `data-verdict` as well.
 */

import { clientOf } from "./client.js";
import { TrustError } from "./errors.js";
import { onShown } from "./shown.js";
import { failure, verdictOn } from "./verdict.js";

/**
 * @param {HTMLElement} panel
 * @returns {Promise<import("./verdict.js").Verdict>}
 */
async function verdictOf({ dataset }) {
  const { bucket, channel = "latest", name, sha256, manifestSha256, version } = dataset;
  if (!bucket) return { kind: "unknown", text: "Not checked: this site does not say where its bucket can be read." };
  try {
    return await verdictOn(await clientOf(dataset), { channel, name, sha256, manifestSha256, version: version ? Number(version) : undefined });
  } catch (error) {
    if (error instanceof TrustError) return failure(error);
    throw error;
  }
}

/**
 * What a page that was opened from a disk cannot know of itself.
 * @param {string} kind of the verdict
 */
function ofFile(kind) {
  if (location.protocol !== "file:") return undefined;
  if (kind === "unknown") return "This page is a file on this machine: from there a browser reads only a bucket that allows every origin (CORS).";
  return "This page is a file on this machine. The bucket was checked, and not the file: compare its sha256 with the one that its maker names.";
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
  say(panel, text, detail, ofFile(kind));
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

onShown((page) => {
  for (const panel of /** @type {NodeListOf<HTMLElement>} */ (page.querySelectorAll(".trust:not([data-verdict])"))) void fill(panel);
});
