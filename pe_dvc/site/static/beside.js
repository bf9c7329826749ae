/** Files of the site beside a page; in a single file they are within it, where addresses begin with `#`. */

import { StoreUnavailableError } from "./errors.js";
import { HttpSource } from "./source.js";

/**
 * @param {string} address as the page has it
 * @param {number} limit bytes
 * @returns {Promise<Uint8Array>}
 * @throws {StoreUnavailableError}
 */
export async function readBeside(address, limit) {
  if (address.startsWith("#")) return new TextEncoder().encode(heldText(address));
  const url = new URL(address, document.baseURI);
  const data = await new HttpSource(url.origin).read(url.pathname.slice(1), limit);
  if (!data) throw new StoreUnavailableError(`${url.href} does not exist`);
  return data;
}

/**
 * @param {string} address as the page has it
 * @returns {Promise<any>}
 */
export async function readJsonBeside(address) {
  if (address.startsWith("#")) return JSON.parse(heldText(address));
  const response = await fetch(address);
  if (!response.ok) throw new Error(`the site answers ${response.status}`);
  return response.json();
}

/** @param {string} address */
function heldText(address) {
  const text = document.getElementById(address.slice(1))?.textContent;
  if (!text) throw new StoreUnavailableError(`${address.slice(1)} is not in this file`);
  return text;
}
