/**
 * Fills `<div id="trust">` with what this browser has verified itself, or what failed.
 *
 * The page gives it `data-country`, `data-bucket` (the bucket's address), `data-root` (the file of the pinned
 * root, beside the page), and on a dataset's page `data-channel`, `data-name`, `data-sha256` and
 * `data-manifest-sha256`. The verdict is in `data-verdict` as well.
 */

import { clientOf } from "./client.js";
import { TrustError } from "./errors.js";
import { failure, verdictOn } from "./verdict.js";

/**
 * @param {HTMLElement} panel
 * @returns {Promise<import("./verdict.js").Verdict>}
 */
async function verdictOf({ dataset }) {
  const { bucket, channel = "latest", name, sha256, manifestSha256 } = dataset;
  if (!bucket) return { kind: "unknown", text: "Not checked: this site does not say where its bucket can be read." };
  try {
    return await verdictOn(await clientOf(dataset), { channel, name, sha256, manifestSha256 });
  } catch (error) {
    if (error instanceof TrustError) return failure(error);
    throw error;
  }
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
