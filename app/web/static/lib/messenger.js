/** One signed-in person's page at work: the inbox, the events, and what was written. */

import { Api, LineDown, Problem } from "./api.js";
import { Conversation } from "./conversation.js";
import { EventStream } from "./events.js";
import { Outbox, OutboxStorage } from "./outbox.js";
import { inboxOf } from "./selectors.js";
import { applyEvent, applyGroups, applyMessages, expireTyping, initialState, removeGroups, Store } from "./store.js";
import { Typing } from "./typing.js";

const AGAIN = 2_000;
const SYNCED_GROUPS = 150;

export class Messenger {
  #isStopped = false;
  #leaving = new AbortController();

  /**
   * @param {import("./CheckAuth.js").Session} session
   * @param {import("../types.js").Config} config
   * @param {import("../types.js").Me} me
   */
  constructor(session, config, me) {
    this.session = session;
    this.config = config;
    this.api = new Api(session);
    const storage = new OutboxStorage(me.uuid);
    this.store = new Store(initialState(me, storage.all()));
    this.outbox = new Outbox(this.api, this.store, storage);
    this.conversation = new Conversation(this.api, this.store);
    this.typing = new Typing(this.api);
    this.stream = new EventStream(
      this.api,
      (event) => this.#take(event),
      (line) => this.#setLine(line),
    );
  }

  start() {
    const signal = this.#leaving.signal;
    const hurry = () => this.#hurry();
    window.addEventListener("online", () => this.#reconnect(), { signal });
    window.addEventListener("offline", () => this.#setLine("offline"), { signal });
    window.addEventListener("storage", () => this.outbox.refresh(), { signal });
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && hurry(), { signal });
    const clock = setInterval(() => this.store.update((state) => expireTyping(state, Date.now())), 1000);
    signal.addEventListener("abort", () => clearInterval(clock));
    void this.loadInbox();
    void this.stream.run();
    void this.outbox.drain();
  }

  stop() {
    this.#isStopped = true;
    this.#leaving.abort();
    this.stream.stop();
    this.outbox.stop();
  }

  /** The first page of the inbox, again if it failed. */
  async loadInbox() {
    try {
      this.store.set({ inboxFailure: null });
      const { items, next } = await this.api.page("/api/message_groups?limit=50");
      this.store.update((state) => ({ ...applyGroups(state, items), hasInbox: true, more: next }));
    } catch (error) {
      if (error instanceof Problem || error instanceof LineDown) this.store.set({ inboxFailure: error.message });
      else throw error;
    }
  }

  /** The inbox's next page. */
  async loadMore() {
    const more = this.store.state.more;
    if (more === null) return;
    this.store.set({ more: null });
    try {
      const { items, next } = await this.api.page(more);
      this.store.update((state) => ({ ...applyGroups(state, items), more: next }));
    } catch (error) {
      this.store.set({ more });
      if (!(error instanceof Problem || error instanceof LineDown)) throw error;
    }
  }

  /** @param {string} display_name */
  async rename(display_name) {
    const me = await this.api.call("PATCH", "/api/users/me", { display_name });
    this.store.set({ me });
  }

  signOut() {
    this.stop();
    this.session.leave();
    this.session.onEnd();
  }

  /** @param {import("../types.js").LiveEvent} event */
  #take(event) {
    if (event.type === "resync") void this.#sync();
    else this.store.update((state) => applyEvent(state, event, Date.now()));
  }

  /** Say what is here and get what has changed. Whatever is then still missing is fetched when it comes into view. */
  async #sync() {
    const known = inboxOf(this.store.state.groups).slice(0, SYNCED_GROUPS);
    const groups = Object.fromEntries(known.map((row) => [row.uuid, this.#known(row)]));
    try {
      const changed = await this.api.call("POST", "/api/sync", { groups });
      this.store.update((state) =>
        removeGroups(applyMessages(applyGroups(state, changed.groups), changed.messages), changed.gone),
      );
      this.store.set({ hasInbox: true, inboxFailure: null });
    } catch {
      if (!this.#isStopped) setTimeout(() => void this.#sync(), AGAIN * (0.5 + Math.random()));
    }
  }

  /** @param {import("../types.js").Group} row */
  #known(row) {
    const thread = this.store.state.thread;
    const last = thread?.group === row.uuid ? thread.messages.at(-1) : undefined;
    return { number: last?.number ?? row.last_number, version: row.version };
  }

  /** @param {import("../types.js").Line} line */
  #setLine(line) {
    if (line !== this.store.state.line) this.store.set({ line });
    if (line === "live") this.outbox.hurry();
  }

  #reconnect() {
    this.#setLine("reconnecting");
    this.stream.reconnect();
    this.outbox.hurry();
  }

  #hurry() {
    this.stream.hurry();
    this.outbox.hurry();
  }
}
