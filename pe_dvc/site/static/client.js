/**
 * The client of the stores that a page names: `data-bucket` (addresses, the bucket's first), `data-country` and
 * `data-root` of its panel. Beside the root is what was published when the page was made.
 */

import { readBeside } from "./beside.js";
import { MAX_LENGTH } from "./refresh.js";
import { openState } from "./store.js";
import { ChannelClient } from "./trust.js";

const SEEN_LIMIT = 4 * (MAX_LENGTH.timestamp + MAX_LENGTH.snapshot);

/**
 * @param {DOMStringMap} dataset of the panel
 * @returns {Promise<ChannelClient>}
 * @throws {import("./errors.js").TrustError}
 */
export async function clientOf({ bucket = "", country = "", root: address = "" }) {
  const root = await readBeside(address, MAX_LENGTH.root);
  // A site in one file has none: its sha256 would be another one each day.
  const seen = await readBeside(address.replace(/root\.json$/, "seen.json"), SEEN_LIMIT).catch(() => undefined);
  return new ChannelClient({ stores: bucket.split(" "), country, root, seen: seen ? [seen] : [], state: await openState() });
}
