/**
 * What was written here goes out in order, once. It is kept in this browser until the server has it, so that neither a
 * reload nor a dead line loses it. The client's uuid makes every repetition safe, across tabs too.
 */

import { LineDown, Problem } from "./api.js";
import { applyMessages } from "./store.js";
import { uuid7 } from "./uuid7.js";

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const GROWTH = 1.5;

/** @typedef {import("../types.js").Pending} Pending */

/** One entry per message: two tabs never write over one another. */
export class OutboxStorage {
  /** @param {string} user */
  constructor(user) {
    this.prefix = `cruddur-outbox:${user}:`;
  }

  /** @returns {Pending[]} */
  all() {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix));
    return keys.sort().flatMap((key) => parsed(localStorage.getItem(key)));
  }

  /** @param {Pending} pending */
  put(pending) {
    localStorage.setItem(this.prefix + pending.uuid, JSON.stringify(pending));
  }

  /** @param {string} uuid */
  remove(uuid) {
    localStorage.removeItem(this.prefix + uuid);
  }
}

/**
 * @param {string | null} text
 * @returns {Pending[]}
 */
function parsed(text) {
  try {
    return text === null ? [] : [JSON.parse(text)];
  } catch {
    return [];
  }
}

/** Sends what is in the storage, the oldest first. */
export class Outbox {
  #isDraining = false;
  #isWanted = false;
  #isStopped = false;
  #failures = 0;
  /** @type {() => void} */
  #hurry = () => {};

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./store.js").Store} store
   * @param {OutboxStorage} storage
   */
  constructor(api, store, storage) {
    this.api = api;
    this.store = store;
    this.storage = storage;
    /** @type {(pending: Pending, message: import("../types.js").Message) => void} */
    this.onSent = () => {};
  }

  /**
   * @param {{group: string | null, handle: string | null}} target
   * @param {string} text
   * @param {number | null} replyTo
   */
  add(target, text, replyTo) {
    const created_at = new Date().toISOString();
    const pending = { ...target, uuid: uuid7(), text, reply_to: replyTo, after: null, created_at, refusal: null };
    this.#put(pending);
    void this.drain();
  }

  /** @param {string} uuid */
  retry(uuid) {
    const pending = this.storage.all().find((each) => each.uuid === uuid);
    if (pending) this.#put({ ...pending, refusal: null });
    void this.drain();
  }

  /** @param {string} uuid */
  discard(uuid) {
    this.storage.remove(uuid);
    this.refresh();
  }

  /** What other tabs have written or sent, too. */
  refresh() {
    this.store.set({ pending: this.storage.all() });
  }

  /** Do not wait any longer before the next try. */
  hurry() {
    this.#failures = 0;
    this.#hurry();
    void this.drain();
  }

  stop() {
    this.#isStopped = true;
    this.#hurry();
  }

  /** Send everything there is. One tab at a time does it for all of them. */
  async drain() {
    this.#isWanted = true; // what is written while the last round ends wants another one
    if (this.#isDraining) return;
    this.#isDraining = true;
    try {
      const work = () => this.#sendAll();
      while (this.#isWanted && !this.#isStopped) {
        this.#isWanted = false;
        await (navigator.locks ? navigator.locks.request(this.storage.prefix, work) : work());
      }
    } finally {
      this.#isDraining = false;
    }
  }

  async #sendAll() {
    for (;;) {
      const next = this.storage.all().find((each) => each.refusal === null);
      if (!next || this.#isStopped) return;
      await this.#try(next);
    }
  }

  /** @param {Pending} pending */
  async #try(pending) {
    const tried = pending.after === null ? { ...pending, after: this.#lastKnown(pending) } : pending;
    if (tried !== pending) this.#put(tried); // before the call: a repetition must say the same
    try {
      const message = await this.api.call("POST", "/api/messages", bodyOf(tried));
      this.#failures = 0;
      this.storage.remove(tried.uuid);
      this.store.update((state) => applyMessages(state, [message]));
      this.onSent(tried, message);
    } catch (error) {
      if (error instanceof Problem && !error.mayPass) this.#put({ ...tried, refusal: error.message });
      else if (error instanceof Problem || error instanceof LineDown) await this.#pause(error);
      else throw error;
    }
  }

  /** @param {Pending} pending */
  #lastKnown(pending) {
    const groups = Object.values(this.store.state.groups);
    const group = groups.find((each) => (pending.group ? each.uuid === pending.group : each.handle === pending.handle));
    return group?.last_number ?? 0;
  }

  /** @param {Pending} pending */
  #put(pending) {
    this.storage.put(pending);
    this.refresh();
  }

  /** @param {Problem | LineDown} error */
  async #pause(error) {
    const asked = error instanceof Problem ? error.retryAfter * 1000 : 0;
    const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * GROWTH ** this.#failures++);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(asked, longest * (0.5 + Math.random() / 2)));
      this.#hurry = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
    });
    this.#hurry = () => {};
  }
}

/**
 * @param {Pending} pending
 * @returns {import("../types.js").MessageCreate}
 */
function bodyOf(pending) {
  const target = pending.group ? { message_group_uuid: pending.group } : { handle: pending.handle ?? "" };
  const reply = pending.reply_to === null ? {} : { reply_to: pending.reply_to };
  return { message: pending.text, uuid: pending.uuid, after: pending.after ?? 0, ...target, ...reply };
}
