/** Routes of the page, with the addresses of the boot camp's front end, and the scroll position of each history entry. */

import { addressOf, pathOf } from "./base.js";

/**
 * @typedef {{page: "group", uuid: string, number: number | null}} GroupRoute number: of a message to show
 * @typedef {{page: "groups"} | GroupRoute | {page: "new", handle: string}} Route
 * @typedef {import("../types.js").ScrollPosition} ScrollPosition
 */

/** A group, and maybe a message of it. */
const GROUP = /^\/messages\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\/([1-9]\d{0,11}))?$/;

/** The address of the inbox. */
export const INBOX_PATH = addressOf("/messages");

/**
 * Return the route of an address; an unknown one leads to the inbox.
 * @param {string} pathname
 * @returns {Route}
 */
export function parseRoute(pathname) {
  const path = pathOf(pathname);
  const handle = path.match(/^\/messages\/new\/@?([A-Za-z0-9_]{3,30})$/)?.[1];
  if (handle) return { page: "new", handle: handle.toLowerCase() };
  const [, uuid, number] = path.match(GROUP) ?? [];
  return uuid ? { page: "group", uuid, number: number === undefined ? null : Number(number) } : { page: "groups" };
}

/**
 * @param {string} uuid
 * @param {number} [number] a message to show
 */
export function groupPath(uuid, number) {
  return `${INBOX_PATH}/${uuid}${number === undefined ? "" : `/${number}`}`;
}

/** @param {string} handle */
export function newGroupPath(handle) {
  return `${INBOX_PATH}/new/${handle}`;
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
 * Follow a link within the page without reloading it.
 * @param {MouseEvent} event
 */
export function followLink(event) {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  const isPlain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (!link || !isPlain || link.target || link.origin !== location.origin) return;
  if (!link.pathname.startsWith(INBOX_PATH)) return;
  event.preventDefault();
  navigate(link.pathname);
}

/** Return the scroll position of this history entry, which outlives a reload, or null. */
export function savedScrollPosition() {
  const position = history.state?.position;
  const isPosition = typeof position?.number === "number" && typeof position.offset === "number";
  return isPosition ? /** @type {ScrollPosition} */ (position) : null;
}

/** @param {ScrollPosition | null} position null: at the end */
export function saveScrollPosition(position) {
  history.replaceState(position && { position }, "");
}
