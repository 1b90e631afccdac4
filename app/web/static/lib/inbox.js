/** The inbox and the archive: loads their pages one after the other, again as long as the network or the server fails. */

import { RequestError } from "./api.js";
import { Backoff } from "./backoff.js";
import { withPage } from "./store.js";

const FIRST_PAGE = "/api/message_groups?limit=50";
/** What is loaded first of each folder, after which the last one's next page follows. */
const FIRST = { inbox: ["/api/users/me/pins", FIRST_PAGE], archive: [`${FIRST_PAGE}&folder=archive`] };

export class Inbox {
  #backoff = new Backoff();
  #isLoading = false;

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./store.js").Store} store
   */
  constructor(api, store) {
    this.api = api;
    this.store = store;
  }

  /** Load the first page of the folder that is shown, or the next one if there is one. */
  async loadMore() {
    const { folder, nextPages } = this.store.state;
    if (folder === "requests") return; // which are loaded whole
    const next = nextPages[folder];
    if (next !== null) await this.#load(folder, next === undefined ? FIRST[folder] : [next]);
  }

  /**
   * Show a folder.
   * @param {import("../types.js").Folder} folder
   */
  show(folder) {
    this.store.set({ folder, inboxFailure: null });
    if (this.store.state.nextPages[folder] === undefined) void this.loadMore();
  }

  /** Make the next attempt now, also after a refusal. */
  retryNow() {
    this.#backoff.retryNow();
    if (this.store.state.inboxFailure !== null) void this.loadMore();
  }

  stop() {
    this.#backoff.stop();
  }

  /**
   * @param {import("../types.js").Folder} folder
   * @param {string[]} paths of pages, the last of which the next page follows
   */
  async #load(folder, paths) {
    if (this.#isLoading) return;
    this.#isLoading = true;
    try {
      const fetchPages = () => Promise.all(paths.map((path) => this.api.getPage(path)));
      const pages = await this.#backoff.repeat(fetchPages, ({ message }) => this.store.set({ inboxFailure: message }));
      const groups = pages.flatMap(({ items }) => items);
      this.store.update((state) => ({
        ...withPage(state, folder, groups, pages.at(-1)?.next ?? null),
        hasInbox: state.hasInbox || folder === "inbox",
        inboxFailure: null,
      }));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.store.set({ inboxFailure: error.message });
    } finally {
      this.#isLoading = false;
    }
    const shown = this.store.state.folder;
    if (folder !== shown && !this.#backoff.isStopped) this.show(shown); // meanwhile
  }
}
