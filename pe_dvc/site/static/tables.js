/**
 * Tables of public data, made in the browser of just the columns that they need. The channel is verified, and
 * each chunk of the payload before a byte of it is parsed. Nothing is downloaded until a button is pressed.
 */

import { VerifiedPayload } from "./chunks.js";
import { clientOf } from "./client.js";
import { TrustError, VerificationError } from "./errors.js";
import { crossed, grouped, plain, shown, together } from "./tabulate.js";
import { failure, verdictOn } from "./verdict.js";

/** @typedef {import("./tabulate.js").Value} Value */

const PREVIEW = 20;
const VENDOR = new URL("vendor/", import.meta.url);

/** A parquet file of the bucket, verified as it is read. */
class VerifiedTable {
  /** @param {VerifiedPayload} file @param {any} parquet @param {any} metadata @param {any} compressors */
  constructor(file, parquet, metadata, compressors) {
    this.options = { file, metadata, compressors };
    this.parquet = parquet;
    this.rows = Number(metadata.num_rows);
    /** @type {Map<string, Promise<Value[]>>} */
    this.columns = new Map();
  }

  /**
   * Open the payload that the page is of. Throws TrustError unless the bucket's channel points to it.
   * @param {DOMStringMap} panel
   */
  static async open(panel) {
    const { channel = "latest", name = "", sha256, manifestSha256 } = panel;
    const client = await clientOf(panel);
    const { kind, text } = await verdictOn(client, { channel, name, sha256, manifestSha256 });
    const pointer = (kind === "verified" && (await client.lookup(channel, name))) || undefined;
    if (!pointer) throw new VerificationError(text);
    const file = await client.stores.firstGood(({ http }) => VerifiedPayload.open(http, client.country, pointer));
    const [parquet, compressors] = await Promise.all([script("hyparquet/index.js"), decompressors()]);
    return new VerifiedTable(file, parquet, await parquet.parquetMetadataAsync(file), compressors);
  }

  /** @param {string[]} columns @returns {Promise<Record<string, unknown>[]>} */
  first(columns) {
    return this.parquet.parquetReadObjects({ ...this.options, columns, rowStart: 0, rowEnd: Math.min(PREVIEW, this.rows) });
  }

  /** @param {string} name @returns {Promise<Value[]>} */
  column(name) {
    const found = this.columns.get(name) ?? this.read(name);
    this.columns.set(name, found);
    found.catch(() => this.columns.delete(name));
    return found;
  }

  /** @param {string} name @returns {Promise<Value[]>} */
  async read(name) {
    /** @type {Value[]} */
    const values = new Array(this.rows).fill(null);
    await this.parquet.parquetRead({
      ...this.options,
      columns: [name],
      onChunk: (/** @type {{columnData: ArrayLike<unknown>, rowStart: number}} */ { columnData, rowStart }) => {
        for (let at = 0; at < columnData.length; at++) values[rowStart + at] = plain(columnData[at]);
      },
    });
    return values;
  }
}

/** @param {string} path @returns {Promise<any>} */
async function script(path) {
  return import(new URL(path, VENDOR).href);
}

/** Those beside snappy, which hyparquet has itself. */
async function decompressors() {
  const [{ gunzip }, lz4, { decompress }] = await Promise.all(
    ["hyparquet-compressors/gzip.js", "hyparquet-compressors/lz4.js", "fzstd/index.js"].map(script),
  );
  return {
    GZIP: (/** @type {Uint8Array} */ data, /** @type {number} */ length) => gunzip(data, new Uint8Array(length)),
    LZ4: lz4.decompressLz4,
    LZ4_RAW: lz4.decompressLz4Raw,
    ZSTD: (/** @type {Uint8Array} */ data) => decompress(data),
  };
}

/**
 * @param {string[]} head
 * @param {string[][]} lines
 * @param {string} caption
 */
function tableOf(head, lines, caption) {
  const found = document.createElement("table");
  found.createCaption().textContent = caption;
  const heads = found.createTHead().insertRow();
  const body = found.createTBody();
  for (const [at, text] of head.entries()) heads.append(cell("th", text, "col", at > 0));
  for (const [first = "", ...others] of lines) {
    const line = body.insertRow();
    line.append(cell("th", first, "row"), ...others.map((text) => cell("td", text)));
  }
  return found;
}

/** @param {"th" | "td"} tag @param {string} text @param {string} [scope] @param {boolean} [isRight] */
function cell(tag, text, scope, isRight = scope !== "row") {
  const found = document.createElement(tag);
  if (scope) found.setAttribute("scope", scope);
  if (isRight) found.className = "number";
  found.dir = "auto";
  found.textContent = text;
  return found;
}

/** Adds a bar to each row: its share of the largest. @param {HTMLTableElement} table @param {number[]} sums */
function addBars(table, sums) {
  const most = Math.max(...sums, 0);
  for (const [at, sum] of sums.entries()) {
    const bar = document.createElement("div");
    bar.className = "amount";
    bar.style.width = `${most > 0 ? (Math.max(sum, 0) / most) * 100 : 0}%`;
    const place = document.createElement("td");
    place.className = "amounts";
    place.append(bar);
    table.tBodies[0]?.rows[at]?.append(place);
  }
  table.tHead?.rows[0]?.append(document.createElement("td"));
}

/**
 * The weighted table of one variable, or of two.
 * @param {VerifiedTable} table
 * @param {string} first
 * @param {string} second empty for none
 * @param {string} weight the column, empty where each row counts once
 */
async function tabulated(table, first, second, weight) {
  const of = weight ? await table.column(weight) : [];
  const weights = Float64Array.from({ length: table.rows }, (_, row) => (weight ? Number(of[row] ?? 0) : 1));
  const rows = grouped(await table.column(first), weights);
  const columns = second ? grouped(await table.column(second), weights) : together(table.rows);
  const sums = crossed(rows, columns, weights);
  const whole = weights.reduce((sum, one) => sum + one, 0);
  const share = (/** @type {number} */ sum) => (whole ? `${((sum / whole) * 100).toFixed(1)}%` : "");
  const by = weight ? `weighted by ${weight}` : "rows";
  const lines = sums.map((line, at) => [rows.labels[at] ?? "", ...line.map((sum) => shown(Math.round(sum)))]);
  if (second) return tableOf([first, ...columns.labels], lines, `${first} by ${second}, ${by}`);
  const totals = sums.map((line) => line[0] ?? 0);
  const found = tableOf([first, weight ? "weight" : "rows", "share"], lines.map((line, at) => [...line, share(totals[at] ?? 0)]), `${first}, ${by}`);
  addBars(found, totals);
  return found;
}

/** @param {HTMLElement} section @param {DOMStringMap} panel */
function start(section, panel) {
  const status = /** @type {HTMLElement} */ (section.querySelector("[role=status]"));
  const [first, second] = section.querySelectorAll("select");
  const names = Array.from(first?.options ?? [], (option) => option.value);
  /** @type {Promise<VerifiedTable> | undefined} */
  let opened;
  /** @param {(table: VerifiedTable) => Promise<HTMLElement>} make */
  const show = async (make) => {
    status.textContent = "Reading, and verifying what is read…";
    try {
      opened ??= VerifiedTable.open(panel);
      status.replaceChildren(await make(await opened));
    } catch (error) {
      opened = undefined;
      status.textContent = said(error);
    }
  };
  section.querySelector("[name=rows]")?.addEventListener("click", () => show(async (table) => {
    const rows = await table.first(names);
    return tableOf(names, rows.map((row) => names.map((name) => shown(plain(row[name])))), `The first ${rows.length} of ${shown(table.rows)} rows`);
  }));
  section.querySelector("[name=tabulate]")?.addEventListener("click", () =>
    show((table) => tabulated(table, first?.value ?? "", second?.value ?? "", section.dataset.weight ?? "")));
  section.hidden = false;
}

/** @param {unknown} error */
function said(error) {
  if (!(error instanceof TrustError)) return `It could not be shown: ${error instanceof Error ? error.message : error}`;
  const { text, detail } = failure(error);
  return `${text} ${detail ?? ""}`;
}

const section = document.getElementById("live");
const panel = document.getElementById("trust");
if (section && panel) start(section, panel.dataset);
