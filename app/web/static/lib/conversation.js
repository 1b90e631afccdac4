/** The open conversation: loads a window of its messages and missing changes, and marks messages as read. */

import { Problem, RequestError } from "./api.js";
import { Backoff } from "./backoff.js";
import { applyChanges, withRecentChanges } from "./changes.js";
import { hasLeft, isOfSeveral } from "./groups/state.js";
import { isOnline, lastNumberOf } from "./selectors.js";
import { appendNewer, applyGroups, applyMarkers, PAGE_SIZE, prependOlder, removeGroups } from "./store.js";

const READ_DELAY = 300;
/** Conversations that are kept as they were on the screen, the last ones. */
const MAX_KEPT = 20;

/** @typedef {import("../types.js").Thread} Thread */
/** @typedef {import("../types.js").Message} Message */

export class Conversation {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #readTimer;
  /** @type {import("../types.js").ScrollPosition | null} */
  #saved = null;
  /** The message that was asked for. @type {number | null} */
  #wanted = null;
  /** The first message in view. @type {import("../types.js").ScrollPosition | null} */
  #inView = null;
  #backoff = new Backoff();
  #isFetchingChanges = false;

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./store.js").Store} store
   */
  constructor(api, store) {
    this.api = api;
    this.store = store;
  }

  /**
   * Open a group: at the saved position, else at the wanted message, else at the first unread one, else at the end.
   * While it cannot be loaded it is shown as it was when it was left.
   * @param {string} group
   * @param {import("../types.js").ScrollPosition | null} saved
   * @param {number | null} wanted
   */
  async open(group, saved, wanted) {
    this.#saved = saved;
    this.#wanted = wanted;
    await this.#open(group, null);
  }

  /**
   * @param {string} group
   * @param {string | null} failure of the attempt before, which is shown until this one ends
   */
  async #open(group, failure) {
    const [saved, wanted] = [this.#saved, this.#wanted];
    const kept = isOnline(this.store.state) ? undefined : this.#keptOf(group);
    this.store.set({ thread: kept ?? { ...emptyThread(group, this.store.state.groups[group]), failure } });
    try {
      const row = await this.#groupOf(group);
      const seen = Math.max(row.read_number, row.cleared_number);
      const unreadFrom = row.unread_count > 0 && seen > 0 ? seen + 1 : null;
      const { change_number: changeNumber } = row;
      this.store.updateThread(group, (thread) => ({
        ...thread,
        unreadFrom,
        ...(thread.isLoading ? { changeNumber } : {}),
      }));
      if (saved && saved.number <= row.last_number) await this.#load(group, saved.number, { at: "position", ...saved });
      else if (wanted !== null && wanted <= row.last_number)
        await this.#load(group, wanted, { at: "message", number: wanted });
      else if (row.unread_count > 0) await this.#load(group, seen + 1, { at: "unread" });
      else await this.#load(group, null, { at: "end" });
      if (row.is_marked_unread && row.read_number > 0) void this.#markRead(group, row.read_number);
      await this.fetchMarkers(group);
    } catch (error) {
      this.#showFailure(group, error);
    }
  }

  /** Load again what could not be loaded, as when the connection is back. */
  async retryNow() {
    this.#backoff.retryNow();
    const thread = this.store.state.thread;
    if (thread?.failure) await this.#open(thread.group, thread.failure);
    else if (thread) await this.#ignoreFailure(thread.group, () => this.fetchMarkers(thread.group));
  }

  close() {
    const { thread, groups } = this.store.state;
    if (thread && !thread.isLoading && !thread.failure && !hasLeft(groups[thread.group])) this.#keep(thread);
    this.#inView = null;
    this.store.set({ thread: null });
  }

  /** @param {Thread} thread */
  #keep(thread) {
    /** @type {import("../types.js").ScrollTarget} */
    const scrollTarget = thread.isFollowing || !this.#inView ? { at: "end" } : { at: "position", ...this.#inView };
    const others = this.store.state.kept.filter((each) => each.group !== thread.group);
    this.store.set({ kept: [...others, { ...thread, scrollTarget, isBusy: false }].slice(-MAX_KEPT) });
  }

  /** @param {string} group */
  #keptOf(group) {
    return this.store.state.kept.find((each) => each.group === group);
  }

  /**
   * Load a group that is not known yet. Without an answer the event stream brings it.
   * @param {string} group
   */
  async loadGroup(group) {
    await this.#groupOf(group).catch((error) => {
      if (!(error instanceof RequestError)) throw error;
    });
  }

  /**
   * Read a group again. Without an answer the event stream brings it.
   * @param {string} group
   */
  async refreshGroup(group) {
    await this.#readGroup(group).catch((error) => {
      if (!(error instanceof RequestError)) throw error;
    });
  }

  /** @param {string} group */
  async #groupOf(group) {
    const known = this.store.state.groups[group];
    return known?.state === "active" ? known : await this.#readGroup(group);
  }

  /** @param {string} group */
  async #readGroup(group) {
    const row = await this.api.get(`/api/message_groups/${encodeURIComponent(group)}`);
    this.store.update((state) => applyGroups(state, [row]));
    return row;
  }

  /**
   * Replace the window: by the messages around a number, or by the newest ones.
   * @param {string} group
   * @param {number | null} around
   * @param {import("../types.js").ScrollTarget} scrollTarget
   */
  async #load(group, around, scrollTarget) {
    const query = around === null ? "" : `&around=${around}`;
    /** @type {Message[]} */
    const messages = await this.api.get(`${pathOf(group)}?limit=${PAGE_SIZE}${query}`);
    const first = (this.store.state.groups[group]?.cleared_number ?? 0) + 1;
    const atStart = (messages[0]?.number ?? 0) <= first;
    this.store.updateThread(group, (thread) => ({
      ...thread,
      messages: withRecentChanges(thread, messages, this.store.state.me.uuid),
      atStart,
      scrollTarget,
      isLoading: false,
      isBusy: false,
      failure: null,
    }));
    this.#backoff.reset();
  }

  async loadOlder() {
    const thread = this.#idleThread();
    const first = thread?.messages[0]?.number;
    if (!thread || thread.atStart || first === undefined) return;
    await this.#loadPage(thread.group, `before=${first}`, prependOlder);
  }

  async loadNewer() {
    const thread = this.#idleThread();
    const last = thread?.messages.at(-1)?.number;
    if (!thread || last === undefined || lastNumberOf(this.store.state) <= last) return;
    await this.#loadPage(thread.group, `after=${last}`, appendNewer);
  }

  /** Show the newest message. */
  async showNewest() {
    const thread = this.store.state.thread;
    if (!thread) return;
    const isLoaded = thread.messages.at(-1)?.number === lastNumberOf(this.store.state);
    if (isLoaded) this.#scrollTo(thread.group, { at: "end" });
    else await this.#ignoreFailure(thread.group, () => this.#load(thread.group, null, { at: "end" }));
  }

  /**
   * Show a message, which may be far from the window.
   * @param {number} number
   */
  async showMessage(number) {
    const thread = this.store.state.thread;
    if (!thread) return;
    const target = /** @type {const} */ ({ at: "message", number });
    if (thread.messages.some((message) => message.number === number)) this.#scrollTo(thread.group, target);
    else await this.#ignoreFailure(thread.group, () => this.#load(thread.group, number, target));
  }

  /**
   * @param {boolean} isFollowing
   * @param {import("../types.js").ScrollPosition | null} inView the first message in view
   */
  setView(isFollowing, inView) {
    this.#inView = inView;
    const thread = this.store.state.thread;
    if (thread && thread.isFollowing !== isFollowing)
      this.store.updateThread(thread.group, (current) => ({ ...current, isFollowing }));
  }

  /**
   * Mark the messages up to this one as read, a moment after the last call.
   * @param {number} number
   */
  markSeen(number) {
    const { thread, groups } = this.store.state;
    const group = thread && groups[thread.group];
    if (!group || number <= group.read_number) return;
    clearTimeout(this.#readTimer);
    this.#readTimer = setTimeout(() => void this.#markRead(group.uuid, number), READ_DELAY);
  }

  /**
   * @param {string} group
   * @param {number} number
   */
  async #markRead(group, number) {
    if (this.store.state.groups[group]?.state === "left") return;
    await this.#ignoreFailure(group, async () => {
      const row = await this.api.call("PUT", `/api/message_groups/${group}/read`, { number });
      this.store.update((state) => applyGroups(state, [row]));
    });
  }

  /**
   * Read how far the other user has read; of a group of several each message's dialog asks for that.
   * @param {string} group
   */
  async fetchMarkers(group) {
    if (isOfSeveral(this.store.state.groups[group])) return;
    /** @type {import("../types.js").ReadMarker[]} */
    const markers = await this.api.get(`/api/message_groups/${group}/read`);
    this.store.update((state) => markers.reduce((next, each) => applyMarkers(next, group, each), state));
  }

  /** Fetch the changes between those that the open conversation has and those that the group has. */
  async loadChanges() {
    const { thread, groups } = this.store.state;
    const last = (thread && groups[thread.group]?.change_number) ?? 0;
    if (!thread || thread.isLoading || last <= thread.changeNumber || this.#isFetchingChanges) return;
    this.#isFetchingChanges = true;
    await this.#ignoreFailure(thread.group, async () => {
      const changes = await this.api.get(`${pathOf(thread.group)}/changes?after=${thread.changeNumber}&limit=100`);
      this.store.update((state) => applyChanges(state, changes));
    });
    this.#isFetchingChanges = false;
  }

  #idleThread() {
    const thread = this.store.state.thread;
    return thread && !thread.isLoading && !thread.isBusy ? thread : null;
  }

  /**
   * @param {string} group
   * @param {string} query
   * @param {(thread: Thread, page: Message[]) => Thread} join
   */
  async #loadPage(group, query, join) {
    this.store.updateThread(group, (thread) => ({ ...thread, isBusy: true }));
    await this.#ignoreFailure(group, async () => {
      const page = await this.api.get(`${pathOf(group)}?limit=${PAGE_SIZE}&${query}`);
      const { me } = this.store.state;
      this.store.updateThread(group, (thread) => join(thread, withRecentChanges(thread, page, me.uuid)));
      this.#backoff.reset();
    });
  }

  /**
   * @param {string} group
   * @param {import("../types.js").ScrollTarget} scrollTarget
   */
  #scrollTo(group, scrollTarget) {
    this.store.updateThread(group, (thread) => ({ ...thread, scrollTarget }));
  }

  /**
   * Do work whose failure need not be shown: a moment later the view asks again for what it misses.
   * @param {string} group
   * @param {() => Promise<void>} work
   */
  async #ignoreFailure(group, work) {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      await this.#backoff.wait(error.retryAfter * 1000);
      this.store.updateThread(group, (thread) => ({ ...thread, isBusy: false }));
    }
  }

  /**
   * Show why a conversation is not shown and, if the reason may pass, try again later.
   * @param {string} group
   * @param {unknown} error
   */
  #showFailure(group, error) {
    if (!(error instanceof RequestError)) throw error;
    const isGone = error instanceof Problem && error.code === "group-not-found";
    if (isGone) this.store.update((state) => removeGroups(state, [group]));
    const failed = { isLoading: false, failure: error.message, isGone };
    const kept = error.isRetryable ? this.#keptOf(group) : undefined;
    this.store.updateThread(group, (thread) => (thread.isLoading ? (kept ?? { ...thread, ...failed }) : thread));
    if (error.isRetryable) void this.#reopenLater(group, error);
  }

  /**
   * @param {string} group
   * @param {RequestError} error
   */
  async #reopenLater(group, error) {
    await this.#backoff.wait(error.retryAfter * 1000);
    const { thread } = this.store.state;
    if (thread?.group === group && thread.failure && !thread.isLoading) await this.#open(group, thread.failure);
  }
}

/**
 * @param {string} group
 * @param {import("../types.js").Group | undefined} row
 * @returns {Thread}
 */
function emptyThread(group, row) {
  return {
    group,
    messages: [],
    isLoading: true,
    failure: null,
    isBusy: false,
    atStart: false,
    isFollowing: false,
    unreadFrom: null,
    scrollTarget: { at: "end" },
    changeNumber: row?.change_number ?? 0,
    changes: [],
  };
}

/** @param {string} group */
function pathOf(group) {
  return `/api/messages/${encodeURIComponent(group)}`;
}
