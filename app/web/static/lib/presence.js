/** Presence of peers: asked for when the stream is live, after an accept and every few minutes, and kept up to date by events. */

import { RequestError } from "./api.js";

const PATH = "/api/users/presence";
/** Milliseconds after which it is asked for again: of a user whose server has died no event says so. */
const INTERVAL = 5 * 60_000;

/** @typedef {import("../types.js").Presence} Presence */
/** @typedef {import("../types.js").State} State */

export class PeerPresence {
  /** The users with an event since the last request. @type {Set<string>} */
  #told = new Set();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** @type {State["groups"]} */
  #groups = {};

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./store.js").Store} store
   */
  constructor(api, store) {
    this.api = api;
    this.store = store;
  }

  start() {
    this.#timer = setInterval(() => document.visibilityState === "visible" && void this.load(), INTERVAL);
    this.store.listeners.add(this.#onChange);
  }

  stop() {
    this.store.listeners.delete(this.#onChange);
    clearInterval(this.#timer);
  }

  /** Ask for the presence of all peers. A user that does not share it sees none. */
  async load() {
    if (!this.store.state.settings?.presence) {
      this.store.update((state) => (Object.keys(state.presence).length === 0 ? state : { ...state, presence: {} }));
      return;
    }
    this.#told.clear();
    try {
      const found = /** @type {Presence[]} */ (await this.api.get(PATH));
      this.store.update((state) => replacePresence(state, found, this.#told));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error; // asked again in a while
    }
  }

  /** Ask once a request was accepted, on any device: from then on both may see one another. */
  #onChange = () => {
    const before = this.#groups;
    const { groups } = this.store.state;
    if (groups === before) return;
    this.#groups = groups;
    const isAccepted = (/** @type {import("../types.js").Group} */ { uuid, folder }) =>
      folder === "inbox" && before[uuid]?.folder === "requests";
    if (Object.values(groups).some(isAccepted)) void this.load();
  };

  /** @param {Presence} presence of an event */
  onEvent(presence) {
    this.#told.add(presence.user_uuid);
  }
}

/**
 * Return the state with a list of presences, but for users of which a later event is known.
 * @param {State} state
 * @param {Presence[]} found
 * @param {Set<string>} told
 * @returns {State}
 */
export function replacePresence(state, found, told) {
  const later = Object.entries(state.presence).filter(([user]) => told.has(user));
  const listed = found
    .filter((each) => !told.has(each.user_uuid))
    .map((each) => /** @type {const} */ ([each.user_uuid, each]));
  return { ...state, presence: Object.fromEntries([...listed, ...later]) };
}

/**
 * Return what is known of the other user of a group; null for nothing, and where it may not be seen.
 * @param {State} state
 * @param {import("../types.js").Group} group
 */
export function presenceOf(state, group) {
  if (!state.settings?.presence || !group.peer_uuid || group.handle === null || group.blocked_at) return null;
  return state.presence[group.peer_uuid] ?? null;
}

/**
 * Return whether the other user of a group is online.
 * @param {State} state
 * @param {import("../types.js").Group} group
 */
export function isPeerOnline(state, group) {
  return presenceOf(state, group)?.is_online ?? false;
}
