/** Requests: groups that others have started. They are loaded at the start; the user accepts or declines them. */

import { RequestError } from "./api.js";
import { Backoff } from "./backoff.js";
import { applyGroups, withPage } from "./store.js";

const FIRST_PAGE = "/api/message_groups?folder=requests&limit=100";

export class Requests {
  #backoff = new Backoff();

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./store.js").Store} store
   */
  constructor(api, store) {
    this.api = api;
    this.store = store;
  }

  /** Load all pages, and each again as long as the network or the server fails. */
  async load() {
    try {
      for (let path = FIRST_PAGE; path; path = this.store.state.nextPages.requests ?? "") await this.#loadPage(path);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
    }
  }

  /** @param {string} path */
  async #loadPage(path) {
    const { items, next } = await this.#backoff.repeat(() => this.api.getPage(path));
    this.store.update((state) => withPage(state, "requests", items, next));
  }

  /**
   * Accept a request, or decline it: then it is gone.
   * @param {string} group
   * @param {"accept" | "decline"} decision
   */
  async decide(group, decision) {
    const row = await this.api.call("PUT", `/api/message_groups/${group}/${decision}`);
    this.store.update((state) => applyGroups(state, [row]));
  }

  stop() {
    this.#backoff.stop();
  }
}
