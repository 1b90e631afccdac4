/** Addresses of the page: it may be served below a prefix that only a proxy knows. */

/** The prefix, without a slash at its end; this script is two folders below it. */
const BASE = typeof location === "undefined" ? "" : new URL("../..", import.meta.url).pathname.slice(0, -1);

/**
 * Return the address of a path of this service; any other address stays as it is.
 * @param {string} path
 */
export function addressOf(path) {
  return path.startsWith("/") ? BASE + path : path;
}

/**
 * Return the path of an address of this service.
 * @param {string} pathname
 */
export function pathOf(pathname) {
  return pathname.startsWith(`${BASE}/`) ? pathname.slice(BASE.length) : pathname;
}
