/** The client of the bucket that a page names: `data-bucket`, `data-country`, `data-root` of its panel. */

import { readBeside } from "./beside.js";
import { MAX_LENGTH } from "./refresh.js";
import { openState } from "./store.js";
import { ChannelClient } from "./trust.js";

/**
 * @param {DOMStringMap} dataset of the panel
 * @returns {Promise<ChannelClient>}
 * @throws {import("./errors.js").TrustError}
 */
export async function clientOf({ bucket: store = "", country = "", root = "" }) {
  return new ChannelClient({ store, country, root: await readBeside(root, MAX_LENGTH.root), state: await openState() });
}
