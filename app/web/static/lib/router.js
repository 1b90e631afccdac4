/** The page's addresses, which are those of the boot camp's front end. */

/**
 * @typedef {{page: "groups"} | {page: "group", uuid: string} | {page: "new", handle: string}} Route
 * @typedef {{number: number, offset: number}} Place
 */

/**
 * What an address shows; anything unknown shows the inbox.
 * @param {string} path
 * @returns {Route}
 */
export function routeOf(path) {
  const handle = path.match(/^\/messages\/new\/@?([A-Za-z0-9_]{3,30})$/)?.[1];
  if (handle) return { page: "new", handle: handle.toLowerCase() };
  const uuid = path.match(/^\/messages\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/)?.[1];
  return uuid ? { page: "group", uuid } : { page: "groups" };
}

/** @param {string} uuid */
export function groupPath(uuid) {
  return `/messages/${uuid}`;
}

/** @param {string} handle */
export function newGroupPath(handle) {
  return `/messages/new/${handle}`;
}

/**
 * @param {string} path
 * @param {{replace?: boolean}} [options]
 */
export function navigate(path, options = {}) {
  if (path === location.pathname) return;
  if (options.replace) history.replaceState(null, "", path);
  else history.pushState(null, "", path);
  window.dispatchEvent(new PopStateEvent("popstate"));
}

/**
 * Links of this page open without loading it anew.
 * @param {MouseEvent} event
 */
export function followLink(event) {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  const isPlain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (!link || !isPlain || link.target || link.origin !== location.origin) return;
  if (!link.pathname.startsWith("/messages")) return;
  event.preventDefault();
  navigate(link.pathname);
}

/** Where the reader was at this entry of the history, which a reload and the back button come back to. */
export function savedPlace() {
  const place = history.state?.place;
  return typeof place?.number === "number" && typeof place.offset === "number" ? /** @type {Place} */ (place) : null;
}

/** @param {Place | null} place null: at the end */
export function savePlace(place) {
  history.replaceState(place && { place }, "");
}
