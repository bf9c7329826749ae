// Compares any two versions of a dataset, by what the site's JSON says of each.
// @ts-check

import { readJsonBeside } from "./beside.js";

/** @typedef {{name: string, before: unknown, after: unknown, change?: number | null}} Row */

/**
 * Returns what changed between two documents of versions, the largest movers first.
 * @param {any} before
 * @param {any} after
 */
export function compare(before, after) {
  return {
    same: before.sha256 === after.sha256,
    figures: movers(figuresOf(before), figuresOf(after)),
    rows: changes(before.rows, after.rows),
    columns: changes(before.columns, after.columns),
    inputs: changes(before.inputs, after.inputs),
  };
}

/**
 * Returns the figures of a version by name.
 * @param {any} version
 * @returns {Map<string, number>}
 */
function figuresOf(version) {
  const found = new Map();
  const put = (/** @type {string} */ name, /** @type {number | null | undefined} */ value) => {
    if (value !== null && value !== undefined) found.set(name, value);
  };
  for (const table of version.figures) {
    const when = table.period === null ? "" : ` in ${table.period}`;
    if (table.weight) {
      put(`weights: sum of ${table.table}.${table.weight.column}${when}`, table.weight.sum);
      put(`weights: n_eff of ${table.table}.${table.weight.column}${when}`, table.weight.n_eff);
    }
    for (const column of Object.keys(table.columns)) {
      for (const statistic of Object.keys(table.columns[column])) {
        const name = `${statistic} of ${table.table}.${column}${when}`;
        put(name, table.columns[column][statistic]);
      }
    }
  }
  return found;
}

/**
 * Returns what moved of the figures that both have. A total that was zero comes first of all.
 * @param {Map<string, number>} before
 * @param {Map<string, number>} after
 * @returns {Row[]}
 */
function movers(before, after) {
  /** @type {Row[]} */
  const moved = [];
  for (const [name, now] of after) {
    const was = before.get(name);
    if (was === undefined || was === now) continue;
    const change = was === 0 ? null : (now - was) / Math.abs(was);
    if (change === null || Math.abs(change) > 1e-9) moved.push({ name, before: was, after: now, change });
  }
  const size = (/** @type {Row} */ row) => {
    if (typeof row.change === "number") return Math.abs(row.change);
    return row.name.startsWith("total of ") ? Infinity : 1;
  };
  return moved.sort((one, other) => {
    const by = size(other) === size(one) ? 0 : size(other) - size(one);
    return by || (one.name < other.name ? -1 : 1);
  });
}

/**
 * Returns what is not the same in both.
 * @param {Record<string, unknown>} before
 * @param {Record<string, unknown>} after
 * @returns {Row[]}
 */
function changes(before, after) {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const of = (/** @type {Record<string, unknown>} */ side, /** @type {string} */ name) =>
    Object.hasOwn(side, name) ? side[name] : null;
  return names
    .map((name) => ({ name, before: of(before, name), after: of(after, name) }))
    .filter((row) => JSON.stringify(row.before) !== JSON.stringify(row.after));
}

/**
 * Returns a value as a page shows it.
 * @param {unknown} value
 */
function shown(value) {
  if (value === null || value === undefined) return "none";
  if (typeof value === "number") return value.toLocaleString("en", { maximumSignificantDigits: 6 });
  return typeof value === "string" ? value : JSON.stringify(value);
}

const MOST_ROWS = 50;

/**
 * Returns a table of changes; every text is text.
 * @param {string} caption
 * @param {Row[]} rows
 */
function table(caption, rows) {
  const found = document.createElement("table");
  found.createCaption().textContent = rows.length > MOST_ROWS ? `${caption} (${rows.length})` : caption;
  const head = found.createTHead().insertRow();
  for (const text of ["", "before", "after", "change"]) {
    const cell = document.createElement(text ? "th" : "td");
    if (text) cell.setAttribute("scope", "col");
    cell.textContent = text;
    head.append(cell);
  }
  const body = found.createTBody();
  for (const row of rows.slice(0, MOST_ROWS)) {
    const line = body.insertRow();
    const name = document.createElement("th");
    name.setAttribute("scope", "row");
    name.textContent = row.name;
    line.append(name);
    const change = row.change === null ? "from zero" : row.change === undefined ? "" : percent(row.change);
    for (const text of [shown(row.before), shown(row.after), change]) line.insertCell().textContent = text;
  }
  return found;
}

/** @param {number} change */
function percent(change) {
  return change.toLocaleString("en", { style: "percent", maximumSignificantDigits: 2, signDisplay: "always" });
}

/**
 * Lets people choose two versions, and shows what changed.
 * @param {HTMLElement} section
 */
function start(section) {
  const [before, after] = section.querySelectorAll("select");
  const result = /** @type {HTMLElement} */ (section.querySelector("[role=status]"));
  const load = (/** @type {string} */ sha256) => readJsonBeside(`${section.dataset.versions}/${sha256}.json`);
  if (!before || !after) return;
  const run = async () => {
    result.textContent = "…";
    try {
      const found = compare(await load(before.value), await load(after.value));
      const titles = { figures: "moved most", rows: "number of rows", columns: "schema", inputs: "inputs" };
      const tables = Object.entries(titles)
        .map(([key, title]) => ({ title, rows: /** @type {any} */ (found)[key] }))
        .filter(({ rows }) => rows.length)
        .map(({ title, rows }) => table(title, rows));
      if (tables.length) result.replaceChildren(...tables);
      else result.textContent = found.same ? "The same version." : "Nothing that the site knows of changed.";
    } catch (error) {
      result.textContent = `They could not be compared: ${error instanceof Error ? error.message : error}`;
    }
  };
  section.querySelector("button")?.addEventListener("click", run);
  section.hidden = false;
}

if (typeof document !== "undefined") {
  for (const section of document.querySelectorAll(".compare")) start(/** @type {HTMLElement} */ (section));
}
