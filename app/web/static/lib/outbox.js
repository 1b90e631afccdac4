/**
 * The outbox sends messages and changes of messages in the order in which they were made, each once. It keeps them in
 * this browser until the server has them, so that neither a reload nor a lost connection loses any. Each has a uuid from
 * the start, by which the server recognises a repetition, from another tab too.
 */

import { Problem, RequestError } from "./api.js";
import { Backoff } from "./backoff.js";
import { replaceMessage } from "./changes.js";
import { applyMessages } from "./store.js";
import { uuid7 } from "./uuid7.js";

/** @typedef {import("../types.js").Pending} Pending */
/** @typedef {import("../types.js").PendingChange} PendingChange */
/** @typedef {import("./outboxStorage.js").Entry} Entry */

/** Sends what is stored, the oldest first. */
export class Outbox {
  #isDraining = false;
  #isRequested = false;
  #backoff = new Backoff();
  /** @type {Map<string, number>} target → the time before which the server wants no more messages to it */
  #limitedUntil = new Map();

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./store.js").Store} store
   * @param {import("./outboxStorage.js").OutboxStorage} storage
   */
  constructor(api, store, storage) {
    this.api = api;
    this.store = store;
    this.storage = storage;
    this.refresh();
    /** Called before a message is shown as sent. @type {(pending: Pending, message: import("../types.js").Message) => Promise<void>} */
    this.onSent = async () => {};
  }

  /**
   * @param {{group: string | null, handle: string | null}} target
   * @param {string} text
   * @param {import("../types.js").Quoted | null} reply the message that is replied to
   * @param {string[]} [mentions] the members that it mentions
   * @param {number | null} [expires_in] seconds after which its text expires
   */
  add(target, text, reply, mentions = [], expires_in = null) {
    const quoted = reply && pick(reply);
    const created_at = new Date().toISOString();
    const content = { text, mentions, expires_in, reply_to: reply?.number ?? null, reply: quoted };
    const pending = { ...target, ...content, uuid: uuid7(), after: null, created_at, refusal: null };
    this.#enqueue(pending);
  }

  /**
   * Change a message. What was refused before of the same kind is not shown any more.
   * @param {import("../types.js").Message} message
   * @param {PendingChange["type"]} type
   * @param {Partial<PendingChange>} [more]
   */
  change(message, type, more) {
    const { message_group_uuid: group, number } = message;
    const created_at = new Date().toISOString();
    const fields = { text: null, version: null, emoji: null, mentions: null, created_at, refusal: null, ...more };
    const change = { uuid: uuid7(), group, number, type, ...fields };
    for (const each of this.storage.all())
      if (isChange(each) && each.refusal !== null && isSameChange(each, change)) this.storage.remove(each.uuid);
    this.#enqueue(change);
  }

  /** @param {Entry} entry */
  #enqueue(entry) {
    this.#put(entry);
    this.#backoff.retryNow(); // it may go to a user for whom no other message waits
    void this.drain();
  }

  /** @param {string} uuid */
  retry(uuid) {
    const entry = this.storage.all().find((each) => each.uuid === uuid);
    if (entry) this.#put({ ...entry, refusal: null });
    void this.drain();
  }

  /** @param {string} uuid */
  discard(uuid) {
    this.storage.remove(uuid);
    this.refresh();
  }

  /** Show what is stored, which other tabs change too. */
  refresh() {
    const entries = this.storage.all();
    this.store.set({
      pending: entries.filter(isMessage),
      pendingChanges: entries.filter(isChange),
    });
  }

  /** Make the next attempt now. */
  retryNow() {
    this.#backoff.reset();
    this.#backoff.retryNow();
    void this.drain();
  }

  stop() {
    this.#backoff.stop();
  }

  /** Send everything that is stored. One tab at a time does it for all tabs. */
  async drain() {
    this.#isRequested = true; // a message written while the last round ends needs another round
    if (this.#isDraining) return;
    this.#isDraining = true;
    try {
      const work = () => this.#sendAll();
      while (this.#isRequested && !this.#backoff.isStopped) {
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
      if (waiting.length === 0 || this.#backoff.isStopped) return;
      const next = waiting.find((each) => this.#delayOf(each) <= 0);
      if (next) await this.#send(next);
      else await this.#backoff.wait(Math.min(...waiting.map((each) => this.#delayOf(each))));
    }
  }

  /**
   * Return the milliseconds to wait before the next message to the same target: a limit for one holds up no other.
   * @param {Entry} entry
   */
  #delayOf(entry) {
    return (this.#limitedUntil.get(targetOf(entry)) ?? 0) - Date.now();
  }

  /** @param {Entry} entry */
  async #send(entry) {
    const attempt = isChange(entry) ? entry : this.#numbered(entry);
    try {
      await (isChange(attempt) ? this.#sendChange(attempt) : this.#sendMessage(attempt));
      this.#backoff.reset();
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (error instanceof Problem && error.status === 429)
        this.#limitedUntil.set(targetOf(attempt), Date.now() + Math.max(1, error.retryAfter) * 1000);
      else if (error.isRetryable) await this.#backoff.wait(error.retryAfter * 1000);
      else if (!this.#isKept(attempt)) return;
      else if (isChange(attempt)) await this.#refuseChange(attempt, error);
      else this.#put(this.#refused(attempt, error));
    }
  }

  /**
   * Return whether the user has not discarded an entry meanwhile.
   * @param {Entry} entry
   */
  #isKept(entry) {
    return this.storage.all().some((each) => each.uuid === entry.uuid);
  }

  /**
   * Return a message with the number after which it is sent. It is stored first: a repetition must have the same body.
   * @param {Pending} pending
   * @returns {Pending}
   */
  #numbered(pending) {
    if (pending.after !== null) return pending;
    const attempt = { ...pending, after: this.#lastNumber(pending) };
    this.#put(attempt);
    return attempt;
  }

  /** @param {Pending} pending */
  async #sendMessage(pending) {
    const message = await this.api.call("POST", "/api/messages", bodyOf(pending));
    await this.onSent(pending, message);
    this.storage.remove(pending.uuid);
    this.store.update((state) => applyMessages(state, [message]));
  }

  /** @param {PendingChange} change */
  async #sendChange(change) {
    const message = await this.api.call(...requestOf(change));
    this.storage.remove(change.uuid);
    this.store.update((state) => replaceMessage(state, message));
    this.refresh();
  }

  /**
   * Keep a change that was refused until the user has seen that, unless its message is not there any more.
   * @param {PendingChange} change
   * @param {RequestError} error
   */
  async #refuseChange(change, error) {
    if (error instanceof Problem && error.status === 404) return this.discard(change.uuid);
    const isOutdated = error instanceof Problem && error.code === "version-differs";
    if (isOutdated) {
      const current = await this.api.get(pathOf(change)).catch(() => null);
      if (current) this.store.update((state) => replaceMessage(state, current));
    }
    this.#put({ ...change, refusal: isOutdated ? "The message was edited elsewhere meanwhile" : error.message });
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

  /** @param {Entry} entry */
  #put(entry) {
    if (this.#backoff.isStopped) return; // the user may have signed out, and nothing stays
    this.storage.put(entry);
    this.refresh();
  }
}

/**
 * @param {Entry} entry
 * @returns {entry is PendingChange}
 */
function isChange(entry) {
  return "type" in entry;
}

/**
 * @param {Entry} entry
 * @returns {entry is Pending}
 */
function isMessage(entry) {
  return !isChange(entry);
}

/**
 * @param {PendingChange} a
 * @param {PendingChange} b
 */
function isSameChange(a, b) {
  return a.group === b.group && a.number === b.number && a.type === b.type && a.emoji === b.emoji;
}

/** @param {PendingChange} change */
function pathOf(change) {
  return `/api/messages/${change.group}/${change.number}`;
}

/**
 * @param {PendingChange} change
 * @returns {[method: string, path: string, body?: unknown, fields?: Record<string, string>]}
 */
function requestOf(change) {
  const path = pathOf(change);
  if (change.type === "edit")
    return [
      "PATCH",
      path,
      { message: change.text, uuid: change.uuid, ...mentioning(change) },
      { "if-match": `"${change.version}"` },
    ];
  if (change.type === "delete") return ["DELETE", path];
  if (change.type === "hide") return ["DELETE", `${path}?for=me`];
  return [change.type === "react" ? "PUT" : "DELETE", `${path}/reactions/${encodeURIComponent(change.emoji ?? "")}`];
}

/**
 * @param {Pending} pending
 * @returns {import("../types.js").MessageCreate}
 */
function bodyOf(pending) {
  const target = pending.group ? { message_group_uuid: pending.group } : { handle: pending.handle ?? "" };
  const reply = pending.reply_to === null ? {} : { reply_to: pending.reply_to };
  return {
    message: pending.text,
    uuid: pending.uuid,
    after: pending.after ?? 0,
    ...target,
    ...reply,
    ...mentioning(pending),
    ...(pending.expires_in ? { expires_in: pending.expires_in } : {}),
  };
}

/**
 * Return the mentions of a body: an edit takes those of before away. An earlier version of the page has stored none.
 * @param {Entry} entry
 */
function mentioning(entry) {
  const { mentions } = entry;
  return mentions && (isChange(entry) || mentions.length > 0) ? { mentions } : {};
}

/** @param {import("../types.js").Quoted} message */
function pick({ number, display_name, message, deleted_at, expires_at, is_hidden }) {
  const text = expires_at ? "" : message; // it would stay in this browser
  return { number, display_name, message: text, deleted_at, expires_at, is_hidden };
}

/** @param {Entry} entry */
function targetOf(entry) {
  return isChange(entry) ? entry.group : (entry.group ?? `@${entry.handle}`);
}
