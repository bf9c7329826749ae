/** Weighted tables of one or two variables, from their values. */

/** @typedef {number | string | boolean | null} Value as a page shows it; null is missing */

/** Distinct values that are counted one by one; intervals of a number that has more. */
export const MOST_GROUPS = 30;
const INTERVALS = 12;
/** The share of the weight that the first and the last, open interval have about. */
const TAIL = 0.01;

/**
 * A value of a parquet file as plain numbers, texts and truth values.
 * @param {unknown} value
 * @returns {Value}
 */
export function plain(value) {
  if (value === null || value === undefined || (typeof value === "number" && Number.isNaN(value))) return null;
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === "number" || typeof value === "string" || typeof value === "boolean") return value;
  if (value instanceof Date) return value.toISOString().replace("T00:00:00.000Z", "");
  return JSON.stringify(value, (_, one) => (typeof one === "bigint" ? String(one) : one));
}

/**
 * Values in groups: of each its label, and of each value the place of its group.
 * @typedef {object} Groups
 * @property {string[]} labels
 * @property {Int32Array} places
 *
 * @param {Value[]} values
 * @param {Float64Array} weights
 * @returns {Groups}
 */
export function grouped(values, weights) {
  /** @type {Map<Value, number>} */
  const sums = new Map();
  for (const [row, value] of values.entries()) sums.set(value, (sums.get(value) ?? 0) + (weights[row] ?? 0));
  const numbers = [...sums.keys()].every((value) => value === null || typeof value === "number");
  if (sums.size > MOST_GROUPS && numbers) return intervals(values, /** @type {Map<number | null, number>} */ (sums));
  const listed = [...sums.keys()].filter((value) => value !== null);
  if (sums.size > MOST_GROUPS) listed.sort((a, b) => (sums.get(b) ?? 0) - (sums.get(a) ?? 0)).splice(MOST_GROUPS);
  else listed.sort((a, b) => (numbers ? Number(a) - Number(b) : String(a) < String(b) ? -1 : 1));
  /** @type {Map<Value, number>} */
  const place = new Map(listed.map((value, at) => [value, at]));
  const labels = listed.map(shown);
  return labelled(values, labels, (value) => place.get(value) ?? labels.length, "others");
}

/**
 * @param {Value[]} values
 * @param {Map<number | null, number>} sums the weight of each value
 */
function intervals(values, sums) {
  const sorted = [...sums].filter(([value]) => value !== null && Number.isFinite(value));
  sorted.sort(([a], [b]) => Number(a) - Number(b));
  const total = sorted.reduce((sum, [, weight]) => sum + weight, 0);
  const low = quantile(sorted, total * TAIL);
  const high = quantile(sorted, total * (1 - TAIL));
  const width = niceWidth((high - low) / INTERVALS || 1);
  const start = Math.floor(low / width) * width;
  const edges = Array.from({ length: Math.ceil((high - start) / width) + 1 }, (_, at) => Number((start + at * width).toPrecision(12)));
  const labels = [`below ${shown(edges[0] ?? 0)}`];
  for (const [at, edge] of edges.slice(0, -1).entries()) labels.push(`${shown(edge)} to below ${shown(edges[at + 1] ?? 0)}`);
  labels.push(`${shown(edges[edges.length - 1] ?? 0)} and more`);
  return labelled(values, labels, (value) => edges.filter((edge) => edge <= Number(value)).length, "others", [0, labels.length - 1]);
}

/** The round number, 1, 2 or 5 times a power of ten, that is next to a width. @param {number} width */
function niceWidth(width) {
  const power = 10 ** Math.floor(Math.log10(width));
  return power * ([1, 2, 5].find((step) => step * power >= width) ?? 10);
}

/**
 * @param {[number | null, number][]} sorted values and their weights
 * @param {number} wanted weight
 */
function quantile(sorted, wanted) {
  let sum = 0;
  for (const [value, weight] of sorted) if ((sum += weight) >= wanted) return Number(value);
  return Number(sorted[sorted.length - 1]?.[0] ?? 0);
}

/**
 * @param {Value[]} values
 * @param {string[]} labels
 * @param {(value: Value) => number} placed
 * @param {string} others what is beyond the labels
 * @param {number[]} [open] places that are left out where they are empty
 * @returns {Groups}
 */
function labelled(values, labels, placed, others, open = []) {
  const missing = labels.length + 1;
  const places = Int32Array.from(values, (value) => (value === null ? missing : placed(value)));
  const used = new Set(places);
  const all = [...labels, others, "missing"];
  const kept = all.map((_, at) => at).filter((at) => used.has(at) || (at < labels.length && !open.includes(at)));
  return { labels: kept.map((at) => all[at] ?? ""), places: places.map((at) => kept.indexOf(at)) };
}

/**
 * The weight of each pair of groups: rows of the first by columns of the second.
 * @param {Groups} first
 * @param {Groups} second
 * @param {Float64Array} weights
 * @returns {number[][]}
 */
export function crossed(first, second, weights) {
  const sums = first.labels.map(() => new Array(second.labels.length).fill(0));
  for (const [row, weight] of weights.entries()) {
    const line = sums[first.places[row] ?? 0];
    if (line) line[second.places[row] ?? 0] += weight;
  }
  return sums;
}

/** One group of all rows. @param {number} rows @returns {Groups} */
export function together(rows) {
  return { labels: ["total"], places: new Int32Array(rows) };
}

/** @param {Value} value */
export function shown(value) {
  if (typeof value === "number") return value.toLocaleString("en", { maximumSignificantDigits: 7, useGrouping: Math.abs(value) >= 10000 });
  return String(value ?? "");
}
