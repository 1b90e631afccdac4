/** The members of groups of several: loaded when a group is opened, and again after each change of them. */

import { RequestError } from "../api.js";
import { Backoff } from "../backoff.js";
import { setMembers } from "./state.js";

export class Members {
  /** Groups whose members are known as they are. @type {Set<string>} */
  #current = new Set();
  /** The last request of each group, whose answer counts. @type {Map<string, symbol>} */
  #requests = new Map();
  #backoff = new Backoff();

  /**
   * @param {import("../api.js").Api} api
   * @param {import("../store.js").Store} store
   */
  constructor(api, store) {
    this.api = api;
    this.store = store;
  }

  /**
   * Load the members of a group unless they are known.
   * @param {string} group
   */
  async load(group) {
    if (!this.#current.has(group)) await this.refresh(group);
  }

  /**
   * Load the members of a group again. A request that fails is repeated while the group is open.
   * @param {string} group
   */
  async refresh(group) {
    const request = Symbol(group);
    this.#requests.set(group, request);
    this.#current.add(group);
    const isWanted = () => this.#requests.get(group) === request && this.store.state.thread?.group === group;
    const fetchMembers = () => this.api.get(`/api/message_groups/${group}/members`);
    try {
      const members = await this.#backoff.repeat(fetchMembers, (error) => {
        if (!isWanted()) throw error;
      });
      if (this.#requests.get(group) === request) this.store.update((state) => setMembers(state, group, members));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (this.#requests.get(group) === request) this.#current.delete(group);
    }
  }

  /** Make the next attempt now. */
  retryNow() {
    this.#backoff.retryNow();
  }

  /** @param {import("../../types.js").LiveEvent} event */
  onEvent(event) {
    if (event.type === "message" && event.message.kind === "system") this.#onChange(event.group.uuid);
  }

  /** All may have changed: the open group is loaded at once, others when they are opened. */
  onSync() {
    this.#current.clear();
    for (const group of Object.keys(this.store.state.members)) this.#onChange(group);
  }

  /** @param {string} group */
  #onChange(group) {
    this.#current.delete(group);
    if (this.store.state.thread?.group === group) void this.refresh(group);
  }
}
