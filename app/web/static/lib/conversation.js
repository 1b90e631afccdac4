/** The open conversation: opens at a place, pages both ways, fetches what is quoted, marks what was seen. */

import { LineDown, Problem } from "./api.js";
import { endOf } from "./selectors.js";
import { applyGroups, applyRead, PAGE, withNewer, withOlder } from "./store.js";

const READ_DELAY = 300;

/** @typedef {import("../types.js").Thread} Thread */
/** @typedef {import("../types.js").Message} Message */

export class Conversation {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #readTimer;

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./store.js").Store} store
   */
  constructor(api, store) {
    this.api = api;
    this.store = store;
  }

  /**
   * Open a group: where it was left, else at the first unread message, else at the end.
   * @param {string} group
   * @param {{number: number, offset: number} | null} place
   */
  async open(group, place) {
    this.store.set({ thread: emptyThread(group) });
    try {
      const row = await this.#row(group);
      const unreadFrom = row.unread_count > 0 && row.read_number > 0 ? row.read_number + 1 : null;
      this.store.updateThread(group, (thread) => ({ ...thread, unreadFrom }));
      if (place && place.number <= row.last_number) await this.#load(group, place.number, { at: "place", ...place });
      else if (row.unread_count > 0) await this.#load(group, row.read_number + 1, { at: "unread" });
      else await this.#load(group, null, { at: "end" });
      await this.#fetchReaders(group);
    } catch (error) {
      this.#fail(group, error);
    }
  }

  close() {
    this.store.set({ thread: null });
  }

  /** @param {string} group */
  async #row(group) {
    const known = this.store.state.groups[group];
    const row = known ?? (await this.api.get(`/api/message_groups/${encodeURIComponent(group)}`));
    if (!known) this.store.update((state) => applyGroups(state, [row]));
    return row;
  }

  /**
   * A new window: around a message, or the newest.
   * @param {string} group
   * @param {number | null} around
   * @param {import("../types.js").Focus} focus
   */
  async #load(group, around, focus) {
    const place = around === null ? "" : `&around=${around}`;
    /** @type {Message[]} */
    const messages = await this.api.get(`${pathOf(group)}?limit=${PAGE}${place}`);
    const atStart = messages.length === 0 || messages[0]?.number === 1;
    this.store.updateThread(group, (thread) => ({
      ...thread,
      messages,
      atStart,
      focus,
      isLoading: false,
      isBusy: false,
      failure: null,
    }));
    await this.#fetchQuotes(group);
  }

  async older() {
    const thread = this.#ready();
    const first = thread?.messages[0]?.number;
    if (!thread || thread.atStart || first === undefined) return;
    await this.#page(thread.group, `before=${first}`, (now, page) => withOlder(now, page, PAGE));
  }

  async newer() {
    const thread = this.#ready();
    const last = thread?.messages.at(-1)?.number;
    if (!thread || last === undefined || endOf(this.store.state) <= last) return;
    await this.#page(thread.group, `after=${last}`, withNewer);
  }

  /** To the end, however far that is. */
  async newest() {
    const thread = this.store.state.thread;
    if (!thread) return;
    const isHere = thread.messages.at(-1)?.number === endOf(this.store.state);
    if (isHere) this.#focus(thread.group, { at: "end" });
    else await this.#try(thread.group, () => this.#load(thread.group, null, { at: "end" }));
  }

  /**
   * To a message, which may be far from the window.
   * @param {number} number
   */
  async jump(number) {
    const thread = this.store.state.thread;
    if (!thread) return;
    const focus = /** @type {const} */ ({ at: "message", number });
    if (thread.messages.some((message) => message.number === number)) this.#focus(thread.group, focus);
    else await this.#try(thread.group, () => this.#load(thread.group, number, focus));
  }

  /** @param {boolean} isFollowing */
  follow(isFollowing) {
    const thread = this.store.state.thread;
    if (thread && thread.isFollowing !== isFollowing)
      this.store.updateThread(thread.group, (now) => ({ ...now, isFollowing }));
  }

  /**
   * Somebody has looked at the messages up to this one.
   * @param {number} number
   */
  seen(number) {
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
    await this.#try(group, async () => {
      const row = await this.api.call("PUT", `/api/message_groups/${group}/read`, { number });
      this.store.update((state) => applyGroups(state, [row]));
    });
  }

  /** @param {string} group */
  async #fetchReaders(group) {
    /** @type {import("../types.js").ReadMarker[]} */
    const markers = await this.api.get(`/api/message_groups/${group}/read`);
    this.store.update((state) =>
      markers.reduce((next, each) => applyRead(next, group, each.user_uuid, each.number), state),
    );
  }

  /**
   * What the messages here answer and the window does not have.
   * @param {string} group
   */
  async #fetchQuotes(group) {
    const thread = this.store.state.thread;
    if (thread?.group !== group) return;
    const here = new Set(thread.messages.map((message) => message.number));
    const wanted = new Set(thread.messages.map((message) => message.reply_to ?? 0));
    const missing = [...wanted].filter((number) => number > 0 && !here.has(number) && !thread.quotes[number]);
    const found = await Promise.all(missing.map((number) => this.api.get(`${pathOf(group)}?around=${number}&limit=1`)));
    /** @type {[number, Message][]} */
    const quotes = found.flat().map((message) => [message.number, message]);
    if (quotes.length > 0)
      this.store.updateThread(group, (now) => ({ ...now, quotes: { ...now.quotes, ...Object.fromEntries(quotes) } }));
  }

  #ready() {
    const thread = this.store.state.thread;
    return thread && !thread.isLoading && !thread.isBusy ? thread : null;
  }

  /**
   * @param {string} group
   * @param {string} query
   * @param {(thread: Thread, page: Message[]) => Thread} join
   */
  async #page(group, query, join) {
    this.store.updateThread(group, (thread) => ({ ...thread, isBusy: true }));
    await this.#try(group, async () => {
      const page = await this.api.get(`${pathOf(group)}?limit=${PAGE}&${query}`);
      this.store.updateThread(group, (thread) => join(thread, page));
      await this.#fetchQuotes(group);
    });
  }

  /**
   * @param {string} group
   * @param {import("../types.js").Focus} focus
   */
  #focus(group, focus) {
    this.store.updateThread(group, (thread) => ({ ...thread, focus }));
  }

  /**
   * What cannot be had now is tried again when the reader moves on, so a failure here shows nothing.
   * @param {string} group
   * @param {() => Promise<void>} work
   */
  async #try(group, work) {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof LineDown || error instanceof Problem)) throw error;
      this.store.updateThread(group, (thread) => ({ ...thread, isBusy: false }));
    }
  }

  /**
   * @param {string} group
   * @param {unknown} error
   */
  #fail(group, error) {
    if (!(error instanceof LineDown || error instanceof Problem)) throw error;
    const failure = error.message;
    this.store.updateThread(group, (thread) => (thread.isLoading ? { ...thread, isLoading: false, failure } : thread));
  }
}

/**
 * @param {string} group
 * @returns {Thread}
 */
function emptyThread(group) {
  return {
    group,
    messages: [],
    isLoading: true,
    failure: null,
    isBusy: false,
    atStart: false,
    isFollowing: false,
    unreadFrom: null,
    focus: { at: "end" },
    quotes: {},
  };
}

/** @param {string} group */
function pathOf(group) {
  return `/api/messages/${encodeURIComponent(group)}`;
}
