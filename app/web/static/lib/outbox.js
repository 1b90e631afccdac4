/**
 * The outbox sends messages in the order in which they were written, each once. It keeps them in this browser until the
 * server has them, so that neither a reload nor a lost connection loses any. Each has a uuid from the start, by which
 * the server recognises a repetition, from another tab too.
 */

import { Problem, RequestError } from "./api.js";
import { Backoff } from "./backoff.js";
import { applyMessages } from "./store.js";
import { uuid7 } from "./uuid7.js";

/** @typedef {import("../types.js").Pending} Pending */

/** Keeps one entry per message in localStorage, so that two tabs never overwrite one another. */
export class OutboxStorage {
  /** @param {string} user */
  constructor(user) {
    this.prefix = `cruddur-outbox:${user}:`;
  }

  /** @returns {Pending[]} */
  all() {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix));
    return keys.sort().flatMap((key) => parse(localStorage.getItem(key)));
  }

  /** @param {Pending} pending */
  put(pending) {
    localStorage.setItem(this.prefix + pending.uuid, JSON.stringify(pending));
  }

  /** @param {string} uuid */
  remove(uuid) {
    localStorage.removeItem(this.prefix + uuid);
  }

  clear() {
    for (const pending of this.all()) this.remove(pending.uuid);
  }
}

/**
 * @param {string | null} text
 * @returns {Pending[]}
 */
function parse(text) {
  try {
    return text === null ? [] : [JSON.parse(text)];
  } catch {
    return [];
  }
}

/** Sends the stored messages, the oldest first. */
export class Outbox {
  #isDraining = false;
  #isRequested = false;
  #isStopped = false;
  #backoff = new Backoff();
  /** @type {Map<string, number>} target → the time before which the server wants no more messages to it */
  #limitedUntil = new Map();

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./store.js").Store} store
   * @param {OutboxStorage} storage
   */
  constructor(api, store, storage) {
    this.api = api;
    this.store = store;
    this.storage = storage;
    /** Called before a message is shown as sent. @type {(pending: Pending, message: import("../types.js").Message) => Promise<void>} */
    this.onSent = async () => {};
  }

  /**
   * @param {{group: string | null, handle: string | null}} target
   * @param {string} text
   * @param {import("../types.js").Quoted | null} reply the message that is replied to
   */
  add(target, text, reply) {
    const quoted = reply && pick(reply);
    const created_at = new Date().toISOString();
    const replying = { reply_to: reply?.number ?? null, reply: quoted };
    const pending = { ...target, ...replying, uuid: uuid7(), text, after: null, created_at, refusal: null };
    this.#put(pending);
    this.#backoff.retryNow(); // it may go to a user for whom no other message waits
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

  /** Show what is stored, which other tabs change too. */
  refresh() {
    this.store.set({ pending: this.storage.all() });
  }

  /** Make the next attempt now. */
  retryNow() {
    this.#backoff.reset();
    this.#backoff.retryNow();
    void this.drain();
  }

  stop() {
    this.#isStopped = true;
    this.#backoff.retryNow();
  }

  /** Send everything that is stored. One tab at a time does it for all tabs. */
  async drain() {
    this.#isRequested = true; // a message written while the last round ends needs another round
    if (this.#isDraining) return;
    this.#isDraining = true;
    try {
      const work = () => this.#sendAll();
      while (this.#isRequested && !this.#isStopped) {
        this.#isRequested = false;
        await (navigator.locks ? navigator.locks.request(this.storage.prefix, work) : work());
      }
    } finally {
      this.#isDraining = false;
    }
  }

  async #sendAll() {
    for (;;) {
      const waiting = this.storage.all().filter((each) => each.refusal === null);
      if (waiting.length === 0 || this.#isStopped) return;
      const next = waiting.find((each) => this.#delayOf(each) <= 0);
      if (next) await this.#send(next);
      else await this.#backoff.wait(Math.min(...waiting.map((each) => this.#delayOf(each))));
    }
  }

  /**
   * Return the milliseconds to wait before the next message to the same target: a limit for one holds up no other.
   * @param {Pending} pending
   */
  #delayOf(pending) {
    return (this.#limitedUntil.get(targetOf(pending)) ?? 0) - Date.now();
  }

  /** @param {Pending} pending */
  async #send(pending) {
    const attempt = pending.after === null ? { ...pending, after: this.#lastNumber(pending) } : pending;
    if (attempt !== pending) this.#put(attempt); // before the request: a repetition must have the same body
    try {
      const message = await this.api.call("POST", "/api/messages", bodyOf(attempt));
      this.#backoff.reset();
      await this.onSent(attempt, message);
      this.storage.remove(attempt.uuid);
      this.store.update((state) => applyMessages(state, [message]));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (error instanceof Problem && error.status === 429)
        this.#limitedUntil.set(targetOf(attempt), Date.now() + Math.max(1, error.retryAfter) * 1000);
      else if (error.isRetryable) await this.#backoff.wait(error.retryAfter * 1000);
      else this.#put(this.#refused(attempt, error));
    }
  }

  /**
   * Return a message after a refusal. Where too many others have come since the first attempt the server has made sure
   * that it is not stored, so it may be sent as if for the first time, at once if the page knows of these others.
   * @param {Pending} attempt
   * @param {RequestError} error
   * @returns {Pending}
   */
  #refused(attempt, error) {
    if (!(error instanceof Problem) || error.code !== "after-too-old") return { ...attempt, refusal: error.message };
    const isBehind = this.#lastNumber(attempt) <= (attempt.after ?? 0);
    return { ...attempt, after: null, refusal: isBehind ? error.message : null };
  }

  /** @param {Pending} pending */
  #lastNumber(pending) {
    const groups = Object.values(this.store.state.groups);
    const group = groups.find((each) => (pending.group ? each.uuid === pending.group : each.handle === pending.handle));
    return group?.last_number ?? 0;
  }

  /** @param {Pending} pending */
  #put(pending) {
    if (this.#isStopped) return; // the user may have signed out, and nothing stays
    this.storage.put(pending);
    this.refresh();
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

/** @param {import("../types.js").Quoted} message */
function pick({ number, display_name, message, deleted_at }) {
  return { number, display_name, message, deleted_at };
}

/** @param {Pending} pending */
function targetOf(pending) {
  return pending.group ?? `@${pending.handle}`;
}
