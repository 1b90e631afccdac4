/** The inbox: loads its pages one after the other, and again as long as the network or the server fails. */

import { RequestError } from "./api.js";
import { Backoff } from "./backoff.js";
import { applyGroups } from "./store.js";

const FIRST_PAGE = "/api/message_groups?limit=50";

export class Inbox {
  #backoff = new Backoff();
  #isLoading = false;
  #isStopped = false;

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./store.js").Store} store
   */
  constructor(api, store) {
    this.api = api;
    this.store = store;
  }

  /** Load the first page. */
  load() {
    return this.#load(FIRST_PAGE);
  }

  /** Load the next page, if there is one. */
  async loadMore() {
    if (this.store.state.more !== null) await this.#load(this.store.state.more);
  }

  /** Make the next attempt now, also after a refusal. */
  retryNow() {
    this.#backoff.retryNow();
    if (this.store.state.inboxFailure === null) return;
    void (this.store.state.more === null ? this.load() : this.loadMore());
  }

  stop() {
    this.#isStopped = true;
    this.#backoff.retryNow();
  }

  /** @param {string} path */
  async #load(path) {
    if (this.#isLoading) return;
    this.#isLoading = true;
    try {
      const fetchPage = () => this.api.getPage(path);
      const { items, next } = await this.#backoff.repeat(fetchPage, (error) => this.#onFailure(error));
      this.store.update((state) => ({
        ...applyGroups(state, items),
        hasInbox: true,
        more: next,
        inboxFailure: null,
      }));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (!this.#isStopped) this.store.set({ inboxFailure: error.message });
    } finally {
      this.#isLoading = false;
    }
  }

  /** @param {RequestError} error */
  #onFailure(error) {
    if (this.#isStopped) throw error;
    this.store.set({ inboxFailure: error.message });
  }
}
