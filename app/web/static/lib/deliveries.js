/** Reports up to which message this browser has received each group, at most once in a while for all of them. */

import { RequestError } from "./api.js";
import { inboxOf } from "./selectors.js";
import { applyMarkers } from "./store.js";

/** Milliseconds between a message and the report. Tabs differ by up to half of it, and one reports for all. */
const DELAY = 2_000;
/** Groups that are reported and remembered, the most recently active ones: fewer than an account may report at once. */
const MAX_GROUPS = 100;

export class Deliveries {
  #key;
  /** @type {import("../types.js").State["groups"] | null} */
  #seen = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./store.js").Store} store
   */
  constructor(api, store) {
    this.api = api;
    this.store = store;
    this.#key = `cruddur-deliveries-${store.state.me.uuid}`;
  }

  start() {
    this.store.listeners.add(this.#onChange);
  }

  stop() {
    this.store.listeners.delete(this.#onChange);
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  clear() {
    localStorage.removeItem(this.#key);
  }

  #onChange = () => {
    const { groups, settings } = this.store.state;
    if (this.#timer !== undefined || !settings?.receipts || groups === this.#seen) return;
    this.#timer = setTimeout(() => void this.#report(), DELAY * (0.75 + Math.random() / 2));
  };

  async #report() {
    const { groups } = this.store.state;
    this.#seen = groups;
    for (const { uuid } of inboxOf(groups).slice(0, MAX_GROUPS)) {
      if (this.#timer === undefined) return;
      if (!(await this.#reportGroup(uuid))) break;
    }
    this.#timer = undefined;
    this.#onChange();
  }

  /**
   * Report a group that has unread messages: of others what is read was delivered. Return whether to go on.
   * @param {string} group
   */
  async #reportGroup(group) {
    const { groups, settings } = this.store.state;
    const { unread_count = 0, last_number: number = 0 } = groups[group] ?? {};
    if (!settings?.receipts || unread_count === 0 || (this.#reported()[group] ?? 0) >= number) return true;
    this.#remember(group, number);
    try {
      const marker = await this.api.call("PUT", `/api/message_groups/${group}/delivered`, { number });
      this.store.update((state) => applyMarkers(state, group, marker));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (!error.isRetryable) return true;
      this.#remember(group, 0); // the next message of any group brings it
      return false;
    }
    return true;
  }

  /** @returns {Record<string, number>} */
  #reported() {
    try {
      return JSON.parse(localStorage.getItem(this.#key) ?? "{}");
    } catch {
      return {};
    }
  }

  /**
   * @param {string} group
   * @param {number} number
   */
  #remember(group, number) {
    const { [group]: _, ...others } = this.#reported();
    const entries = [...Object.entries(others), [group, number]].slice(-MAX_GROUPS);
    localStorage.setItem(this.#key, JSON.stringify(Object.fromEntries(entries)));
  }
}
