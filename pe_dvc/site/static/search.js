// Finds datasets and variables by words of their names, labels and descriptions; slips are forgiven.
// @ts-check

import { readJsonBeside } from "./beside.js";

/**
 * What is found: kind, country, name, label, description, and the path of its page in the site.
 * @typedef {[kind: string, country: string, name: string, label: string, text: string, page: string]} Entry
 */

/**
 * Entries and, by each word in them, where it stands: pairs of an entry's number and a field's weight.
 * `names` are the entries' names as they are compared.
 * @typedef {{entries: Entry[], names: string[], words: Map<string, number[]>, byLength: Map<number, string[]>}} Index
 */

const NAME = 8;
const LABEL = 4;
const TEXT = 1;
const MOST_RESULTS = 50;

/**
 * Returns a text without accents and upper case, for comparison.
 * @param {string} text
 */
function folded(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/**
 * Returns the words of a text: "is_tax_unit_head" has four.
 * @param {string} text
 */
function wordsOf(text) {
  return folded(text).match(/[\p{L}\p{N}]+/gu) ?? [];
}

/**
 * Returns an index of entries, made once.
 * @param {Entry[]} entries
 * @returns {Index}
 */
export function indexOf(entries) {
  /** @type {Map<string, number[]>} */
  const words = new Map();
  entries.forEach(([, , name, label, text], number) => {
    const fields = [[name, NAME], [label, LABEL], [text, TEXT]];
    for (const [field, weight] of /** @type {[string, number][]} */ (fields)) {
      for (const word of new Set(wordsOf(field))) {
        const places = words.get(word);
        if (places) places.push(number, weight);
        else words.set(word, [number, weight]);
      }
    }
  });
  /** @type {Map<number, string[]>} */
  const byLength = new Map();
  for (const word of words.keys()) {
    const same = byLength.get(word.length);
    if (same) same.push(word);
    else byLength.set(word.length, [word]);
  }
  const names = entries.map((entry) => wordsOf(entry[2]).join(" "));
  return { entries, names, words, byLength };
}

/**
 * Returns the entries that have every word of a query, the best first. The last word may be a beginning.
 * @param {Index} index
 * @param {string} query
 * @returns {Entry[]}
 */
export function search(index, query) {
  const asked = wordsOf(query);
  /** @type {Map<number, number> | null} */
  let scores = null;
  for (const word of asked) {
    const found = scoresOf(index, word);
    if (scores === null) scores = found;
    else for (const [number, score] of scores) {
      const other = found.get(number);
      if (other === undefined) scores.delete(number);
      else scores.set(number, score + other);
    }
  }
  const exact = asked.join(" ");
  const ranked = [...(scores ?? [])].map(([number, score]) => {
    const name = index.names[number];
    return { number, score: score + (name === exact ? 100 : name.startsWith(exact) ? 20 : 0) };
  });
  ranked.sort((one, other) => other.score - one.score || one.number - other.number);
  return ranked.slice(0, MOST_RESULTS).map(({ number }) => index.entries[number]);
}

/**
 * Returns how well each entry has a word: as it is, as a beginning, within a word, or nearly.
 * @param {Index} index
 * @param {string} word
 * @returns {Map<number, number>}
 */
function scoresOf(index, word) {
  /** @type {Map<number, number>} */
  const scores = new Map();
  const add = (/** @type {string} */ found, /** @type {number} */ quality) => {
    const places = /** @type {number[]} */ (index.words.get(found));
    for (let i = 0; i < places.length; i += 2) {
      const score = places[i + 1] * quality;
      if (score > (scores.get(places[i]) ?? 0)) scores.set(places[i], score);
    }
  };
  if (index.words.has(word)) add(word, 4);
  for (const [length, words] of index.byLength) {
    for (const other of length > word.length ? words : []) {
      if (other.startsWith(word)) add(other, 3);
      else if (word.length > 2 && other.includes(word)) add(other, 2);
    }
  }
  if (scores.size === 0) for (const other of nearest(index, word)) add(other, 1);
  return scores;
}

/**
 * Yields words that one may have meant by a word that is nowhere.
 * @param {Index} index
 * @param {string} word
 */
function* nearest(index, word) {
  const slips = word.length < 4 ? 0 : word.length < 8 ? 1 : 2;
  for (let length = word.length - slips; slips && length <= word.length + slips; length += 1) {
    for (const other of index.byLength.get(length) ?? []) if (isNear(word, other, slips)) yield other;
  }
}

/**
 * Tells whether two words differ by no more slips: letters left out, added, changed or swapped.
 * @param {string} one
 * @param {string} other
 * @param {number} most
 */
export function isNear(one, other, most) {
  let before = /** @type {number[]} */ ([]);
  let last = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i += 1) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= other.length; j += 1) {
      const same = one[i - 1] === other[j - 1];
      let cost = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) {
        cost = Math.min(cost, before[j - 2] + 1);
      }
      row.push(cost);
      if (cost < least) least = cost;
    }
    if (least > most) return false;
    before = last;
    last = row;
  }
  return last[other.length] <= most;
}

/**
 * Lets people type, and lists what is found.
 * @param {HTMLElement} box
 */
function start(box) {
  const input = /** @type {HTMLInputElement} */ (box.querySelector("input"));
  const status = /** @type {HTMLElement} */ (box.querySelector("[role=status]"));
  const list = /** @type {HTMLElement} */ (box.querySelector("ul"));
  /** @type {Promise<Index> | null} */
  let loading = null;
  const load = () => {
    loading ??= readJsonBeside(box.dataset.index ?? "").then((document) => indexOf(document.entries));
    return loading;
  };
  const show = async () => {
    const query = input.value;
    try {
      const index = await load();
      if (query !== input.value) return; // more was typed meanwhile
      const found = search(index, query);
      list.replaceChildren(...found.map((entry) => item(entry, box.dataset.site ?? "")));
      const count = found.length === MOST_RESULTS ? `the best ${MOST_RESULTS}` : `${found.length}`;
      status.textContent = query.trim() ? `${count} found` : "";
    } catch (error) {
      loading = null;
      status.textContent = `The search does not work: ${error instanceof Error ? error.message : error}`;
    }
  };
  input.addEventListener("focus", () => load().catch(() => undefined), { once: true });
  input.addEventListener("input", show);
  box.hidden = false;
  if (input.value) show();
}

/**
 * Returns a line of what is found; every text is text.
 * @param {Entry} entry
 * @param {string} site
 */
function item([kind, country, name, label, , page], site) {
  const line = document.createElement("li");
  const link = document.createElement("a");
  link.href = site + page;
  const shown = document.createElement("bdi");
  shown.textContent = name;
  link.append(shown);
  const more = document.createElement("span");
  more.dir = "auto";
  more.textContent = ` ${label} (${kind}, ${country})`;
  line.append(link, more);
  return line;
}

if (typeof document !== "undefined") {
  for (const box of document.querySelectorAll(".search")) start(/** @type {HTMLElement} */ (box));
}
