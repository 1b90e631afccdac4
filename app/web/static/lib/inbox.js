/** The inbox and the archive: loads their pages one after the other, again as long as the network or the server fails. */

import { RequestError } from "./api.js";
import { Backoff } from "./backoff.js";
import { applyGroups } from "./store.js";

const FIRST_PAGE = "/api/message_groups?limit=50";
const PINNED = "/api/users/me/pins";

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

  /** Load the pinned groups and the first page of the inbox. */
  load() {
    return this.#load([PINNED, FIRST_PAGE]);
  }

  /** Load the next page of the folder that is shown, if there is one. */
  async loadMore() {
    const { folder, more, archiveMore } = this.store.state;
    if (folder === "requests") return; // which are loaded whole
    const next = folder === "inbox" ? more : archiveMore;
    if (next !== null) await this.#load([next ?? `${FIRST_PAGE}&folder=${folder}`]);
  }

  /**
   * Show a folder.
   * @param {import("../types.js").Folder} folder
   */
  show(folder) {
    this.store.set({ folder, inboxFailure: null });
    if (folder === "archive" && this.store.state.archiveMore === undefined) void this.loadMore();
  }

  /** Make the next attempt now, also after a refusal. */
  retryNow() {
    this.#backoff.retryNow();
    if (this.store.state.inboxFailure === null) return;
    void (this.store.state.hasInbox ? this.loadMore() : this.load());
  }

  stop() {
    this.#isStopped = true;
    this.#backoff.retryNow();
  }

  /** @param {string[]} paths of pages, the last of which the next page follows */
  async #load(paths) {
    if (this.#isLoading) return;
    this.#isLoading = true;
    const { folder } = this.store.state;
    try {
      const fetchPages = () => Promise.all(paths.map((path) => this.api.getPage(path)));
      const pages = await this.#backoff.repeat(fetchPages, (error) => this.#onFailure(error));
      const next = pages.at(-1)?.next ?? null;
      this.store.update((state) => ({
        ...applyGroups(
          state,
          pages.flatMap(({ items }) => items),
        ),
        ...(folder === "inbox" ? { hasInbox: true, more: next } : { archiveMore: next }),
        inboxFailure: null,
      }));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (!this.#isStopped) this.store.set({ inboxFailure: error.message });
    } finally {
      this.#isLoading = false;
    }
    if (folder !== this.store.state.folder && !this.#isStopped) this.show(this.store.state.folder); // shown meanwhile
  }

  /** @param {RequestError} error */
  #onFailure(error) {
    if (this.#isStopped) throw error;
    this.store.set({ inboxFailure: error.message });
  }
}
