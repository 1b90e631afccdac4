/** The running messenger of a signed-in user: inbox, event stream and outbox on one store. */

import { Api, Problem } from "./api.js";
import { applyChanges } from "./changes.js";
import { Conversation } from "./conversation.js";
import { Deliveries } from "./deliveries.js";
import { Drafts } from "./drafts.js";
import { RecentEmoji } from "./emoji.js";
import { EventStream } from "./events.js";
import { GroupCalls } from "./groups/calls.js";
import { Members } from "./groups/members.js";
import { Inbox } from "./inbox.js";
import { Notifications } from "./notifications.js";
import { Outbox } from "./outbox.js";
import { OutboxStorage } from "./outboxStorage.js";
import { PeerPresence } from "./presence.js";
import { Requests } from "./requests.js";
import { inboxOf } from "./selectors.js";
import { Settings } from "./settings.js";
import { applyEvent, applyGroups, applyMessages, expireTyping, initialState, removeGroups, Store } from "./store.js";
import { Typing } from "./typing.js";
import { expireMessages } from "./visibility.js";

const SYNC_RETRY_DELAY = 2_000;
const MAX_SYNCED_GROUPS = 150;

/** The channel on which a tab tells the others that a user has signed out. */
const SIGN_OUTS = "cruddur-sign-outs";

export class Messenger {
  #lifetime = new AbortController();
  /** @type {BroadcastChannel | null} */
  #signOuts = null;

  /**
   * @param {import("./CheckAuth.js").Session} session
   * @param {import("../types.js").Config} config
   * @param {import("../types.js").Me} me
   */
  constructor(session, config, me) {
    this.session = session;
    this.config = config;
    this.api = new Api(session);
    this.store = new Store(initialState(me));
    this.outbox = new Outbox(this.api, this.store, new OutboxStorage(me.uuid));
    this.inbox = new Inbox(this.api, this.store);
    this.requests = new Requests(this.api, this.store);
    this.conversation = new Conversation(this.api, this.store);
    this.typing = new Typing(this.api);
    this.drafts = new Drafts(me.uuid, this.store);
    this.emoji = new RecentEmoji(me.uuid);
    this.deliveries = new Deliveries(this.api, this.store);
    this.settings = new Settings(this.api, this.store);
    this.members = new Members(this.api, this.store);
    this.groups = new GroupCalls(this.api, this.store, this.members);
    this.presence = new PeerPresence(this.api, this.store);
    this.notifications = new Notifications(this.store);
    this.onSignedOut = () => {};
    this.stream = new EventStream(
      this.api,
      (event) => this.#onEvent(event),
      (connection) => this.#setConnection(connection),
    );
  }

  start() {
    const { signal } = this.#lifetime;
    const retryIfVisible = () => document.visibilityState === "visible" && this.#retryNow();
    window.addEventListener("online", () => this.#reconnect(), { signal });
    window.addEventListener("offline", () => this.#setConnection("offline"), { signal });
    window.addEventListener("storage", () => this.#refreshStored(), { signal });
    document.addEventListener("visibilitychange", retryIfVisible, { signal });
    this.#signOuts = new BroadcastChannel(SIGN_OUTS);
    this.#signOuts.onmessage = ({ data }) => data === this.store.state.me.uuid && void this.#leave();
    const timer = setInterval(() => this.#expire(Date.now()), 1000);
    signal.addEventListener("abort", () => clearInterval(timer));
    this.drafts.refresh();
    this.deliveries.start();
    this.presence.start();
    this.notifications.start();
    void this.settings.load().then(() => this.presence.load());
    void this.inbox.loadMore();
    void this.requests.load();
    void this.stream.run();
    void this.outbox.drain();
  }

  stop() {
    this.#lifetime.abort();
    this.#signOuts?.close();
    this.stream.stop();
    this.inbox.stop();
    this.requests.stop();
    this.outbox.stop();
    this.deliveries.stop();
    this.settings.stop();
    this.presence.stop();
    this.notifications.stop();
    this.typing.onSent();
  }

  /**
   * Drop what has expired, and ask for the groups that have fewer unread messages since.
   * @param {number} now
   */
  #expire(now) {
    this.store.update((state) => expireMessages(expireTyping(state, now), now, this.config.message_retention_days));
    for (const group of Object.values(this.store.state.groups)) {
      if (!group.unread_until || Date.parse(group.unread_until) > now) continue;
      this.store.update((state) => applyGroups(state, [{ ...group, unread_until: null }]));
      void this.conversation.refreshGroup(group.uuid);
    }
  }

  /** @param {{display_name?: string, about?: string}} change */
  async changeProfile(change) {
    if (Object.keys(change).length === 0) return;
    const me = await this.api.call("PATCH", "/api/users/me", change);
    this.store.set({ me });
  }

  /**
   * Change settings, and show what others share with the user from now on.
   * @param {Partial<import("../types.js").Settings>} change
   */
  async changeSettings(change) {
    await this.settings.change(change);
    const group = this.store.state.thread?.group;
    if (change.receipts && group) await this.conversation.fetchMarkers(group).catch(() => {}); // or with the next event
    if (change.presence !== undefined) await this.presence.load();
  }

  /**
   * Change how the user sees a group.
   * @param {string} group
   * @param {import("../types.js").ViewUpdate} change
   */
  async changeView(group, change) {
    const row = await this.api.call("PATCH", `/api/message_groups/${group}/view`, change);
    this.store.update((state) => applyGroups(state, [row]));
  }

  /**
   * Leave a group. One that was left before is a success: the first answer may have been lost.
   * @param {string} group
   */
  async leave(group) {
    try {
      const row = await this.api.call("DELETE", `/api/message_groups/${group}`);
      this.store.update((state) => applyGroups(state, [row]));
    } catch (error) {
      if (!(error instanceof Problem && error.status === 404)) throw error;
      this.store.update((state) => removeGroups(state, [group]));
    }
  }

  /** @param {import("../types.js").Group} group */
  async markRead({ uuid, last_number: number }) {
    const row = await this.api.call("PUT", `/api/message_groups/${uuid}/read`, { number });
    this.store.update((state) => applyGroups(state, [row]));
  }

  /** Sign the user out in all tabs. Nothing of the user stays in this browser, unsent messages included. */
  async signOut() {
    this.#signOuts?.postMessage(this.store.state.me.uuid);
    await this.#leave();
  }

  async #leave() {
    this.stop();
    this.outbox.storage.clear();
    this.drafts.clear();
    this.emoji.clear();
    this.deliveries.clear();
    this.notifications.clear();
    this.onSignedOut();
    await this.session.signOut();
  }

  /** @param {import("../types.js").LiveEvent} event */
  #onEvent(event) {
    if (event.type === "resync") return void this.#sync();
    this.store.update((state) => applyEvent(state, event, Date.now()));
    this.members.onEvent(event);
    if (event.type === "presence") this.presence.onEvent(event);
    this.notifications.onEvent(event);
  }

  /** Report what is known and apply what has changed. Messages that are still missing are loaded when they come into view. */
  async #sync() {
    const known = inboxOf(this.store.state.groups).slice(0, MAX_SYNCED_GROUPS);
    const groups = Object.fromEntries(known.map((row) => [row.uuid, this.#cursorOf(row)]));
    try {
      const changed = await this.api.call("POST", "/api/sync", { groups });
      this.store.update((state) => {
        const next = applyMessages(applyGroups(state, changed.groups), changed.messages);
        return removeGroups(applyChanges(next, changed.changes), changed.gone);
      });
      this.store.set({ hasInbox: true });
      this.members.onSync();
    } catch {
      const delay = SYNC_RETRY_DELAY * (0.5 + Math.random());
      if (!this.#lifetime.signal.aborted) setTimeout(() => void this.#sync(), delay);
    }
  }

  /** @param {import("../types.js").Group} row */
  #cursorOf(row) {
    const { thread, kept } = this.store.state;
    const shown = thread?.group === row.uuid ? thread : kept.find((each) => each.group === row.uuid);
    const last = shown === thread ? shown?.messages.at(-1) : undefined;
    return {
      number: last?.number ?? row.last_number,
      version: row.version,
      change_number: shown?.changeNumber ?? row.change_number,
    };
  }

  /** @param {import("../types.js").Connection} connection */
  #setConnection(connection) {
    if (connection !== this.store.state.connection) this.store.set({ connection });
    if (connection !== "live") return;
    this.members.retryNow();
    this.inbox.retryNow();
    this.outbox.retryNow();
    void this.conversation.retryNow();
    void this.presence.load();
  }

  #refreshStored() {
    this.outbox.refresh();
    this.drafts.refresh();
  }

  #reconnect() {
    this.#setConnection("reconnecting");
    this.stream.reconnect();
    this.inbox.retryNow();
    this.outbox.retryNow();
  }

  #retryNow() {
    this.stream.retryNow();
    this.inbox.retryNow();
    this.outbox.retryNow();
  }
}
