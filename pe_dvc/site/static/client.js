/** The client of the bucket that a page names: `data-bucket`, `data-country`, `data-root` of its panel. */

import { StoreUnavailableError } from "./errors.js";
import { MAX_LENGTH } from "./refresh.js";
import { HttpSource } from "./source.js";
import { openState } from "./store.js";
import { ChannelClient } from "./trust.js";

/**
 * @param {DOMStringMap} dataset of the panel
 * @returns {Promise<ChannelClient>}
 * @throws {import("./errors.js").TrustError}
 */
export async function clientOf({ bucket: store = "", country = "", root = "" }) {
  return new ChannelClient({ store, country, root: await pinnedRoot(root), state: await openState() });
}

/** @param {string} address */
async function pinnedRoot(address) {
  const url = new URL(address, document.baseURI);
  const data = await new HttpSource(url.origin).read(url.pathname.slice(1), MAX_LENGTH.root);
  if (!data) throw new StoreUnavailableError(`${url.href} does not exist`);
  return data;
}
