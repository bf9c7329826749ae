/** Which page is shown: the only one, or that of a single file to which the address points. */

/**
 * Call `work` with what is shown, now and whenever it is another one.
 * @param {(page: HTMLElement) => void} work
 */
export function onShown(work) {
  const show = () => work(shownPage());
  show();
  addEventListener("hashchange", show);
}

function shownPage() {
  /** @type {HTMLElement | null} */
  const first = document.querySelector("main > article");
  if (!first) return document.body;
  /** @type {HTMLElement | null | undefined} */
  const named = document.getElementById(location.hash.slice(1))?.closest("main > article");
  const page = named ?? first;
  document.title = page.dataset.title ?? "";
  return page;
}
