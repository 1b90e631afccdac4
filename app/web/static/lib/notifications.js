/** Desktop notifications of new messages while the page is hidden, if the user has asked for them, and the app's badge. */

import { addressOf } from "./base.js";
import { isOfSeveral } from "./groups/state.js";
import { groupPath, navigate } from "./router.js";
import { isMuted } from "./selectors.js";

/** @typedef {import("../types.js").Group} Group */
/** @typedef {import("../types.js").Message} Message */

/** The lock that tabs hold while they are visible: while there is one, hidden tabs are quiet. */
const VISIBLE = "cruddur-visible";
const BODY_LENGTH = 140;

export class Notifications {
  #key;
  /** The notifications that are shown, by group. @type {Map<string, Notification>} */
  #shown = new Map();
  #lifetime = new AbortController();
  /** Ends the lock of this tab. @type {(() => void) | null} */
  #release = null;

  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.store = store;
    this.#key = `cruddur-notifications-${store.state.me.uuid}`;
  }

  start() {
    this.#refresh();
    document.addEventListener("visibilitychange", () => this.#onVisibility(), { signal: this.#lifetime.signal });
    this.#onVisibility();
  }

  stop() {
    this.#lifetime.abort();
    this.#release?.();
    for (const notification of this.#shown.values()) notification.close();
    showBadge(0);
  }

  /** Forget what the user has chosen. */
  clear() {
    localStorage.removeItem(this.#key);
  }

  /** Ask the browser for its permission, which it gives only in answer to a deed of the user. */
  async enable() {
    const permission = await Notification.requestPermission();
    if (permission === "granted") localStorage.setItem(this.#key, "on");
    this.#refresh();
  }

  disable() {
    localStorage.setItem(this.#key, "off");
    this.#refresh();
  }

  /** Offer notifications after the first message that the user has sent, unless that was answered before. */
  onSent() {
    if (this.store.state.notifications === "undecided") this.store.set({ offersNotifications: true });
  }

  /** @param {import("../types.js").LiveEvent} event */
  onEvent(event) {
    if (event.type === "message") void this.#onMessage(event.message, event.group);
    if (event.type === "group" && event.group.unread_count === 0) this.#shown.get(event.group.uuid)?.close();
  }

  /**
   * @param {Message} message
   * @param {Group} group
   */
  async #onMessage(message, group) {
    if (this.store.state.notifications !== "on" || !document.hidden) return;
    if (!isWorthIt(message, group, this.store.state.me.uuid, Date.now()) || (await isVisibleElsewhere())) return;
    const body = bodyOf(message, group);
    const icon = addressOf("/static/icon-192.png");
    // One notification for each group, also of several tabs: a later one takes the place of the earlier.
    const notification = new Notification(group.display_name, { body, icon, tag: `cruddur-${group.uuid}` });
    notification.addEventListener("click", () => {
      window.focus();
      navigate(groupPath(group.uuid));
      notification.close();
    });
    notification.addEventListener("close", () => this.#forget(group.uuid, notification));
    this.#shown.set(group.uuid, notification);
  }

  /**
   * @param {string} group
   * @param {Notification} notification
   */
  #forget(group, notification) {
    if (this.#shown.get(group) === notification) this.#shown.delete(group);
  }

  #refresh() {
    const notifications = this.#status();
    this.store.set({ notifications, offersNotifications: false });
  }

  /** @returns {import("../types.js").State["notifications"]} */
  #status() {
    if (!("Notification" in window)) return "unsupported";
    if (Notification.permission === "denied") return "denied";
    const chosen = localStorage.getItem(this.#key);
    if (chosen === "on") return Notification.permission === "granted" ? "on" : "off";
    return chosen === null ? "undecided" : "off";
  }

  /** Hold the lock while the tab is visible. */
  #onVisibility() {
    this.#release?.();
    this.#release = null;
    if (document.hidden || !navigator.locks) return;
    const hidden = new Promise((resolve) => {
      this.#release = () => resolve(undefined);
    });
    void navigator.locks.request(VISIBLE, { mode: "shared" }, () => hidden);
  }
}

/**
 * Return the text of a notification: the message's beginning, in a group of several after the sender's name.
 * @param {Message} message
 * @param {Group} group
 */
export function bodyOf(message, group) {
  const text = message.expires_at ? "A message that expires" : [...message.message].slice(0, BODY_LENGTH).join("");
  return isOfSeveral(group) ? `${message.display_name}: ${text}` : text;
}

/**
 * Return whether to notify of a message: another user's, unread, of a group of the inbox that is not muted.
 * @param {Message} message
 * @param {Group} group
 * @param {string} me
 * @param {number} now milliseconds
 */
export function isWorthIt(message, group, me, now) {
  const isNew = message.number > group.read_number && !message.is_hidden && message.kind === "text";
  return isNew && message.user_uuid !== me && group.folder === "inbox" && !isMuted(group, now);
}

/** Return whether another tab of the page is visible, as far as can be known. */
async function isVisibleElsewhere() {
  const { held = [] } = navigator.locks ? await navigator.locks.query() : {};
  return held.some((lock) => lock.name === VISIBLE);
}

/**
 * Show a number on the icon of the installed app, where there is one.
 * @param {number} count
 */
export function showBadge(count) {
  const shown = count > 0 ? navigator.setAppBadge?.(count) : navigator.clearAppBadge?.();
  shown?.catch(() => {}); // the app is not installed
}
