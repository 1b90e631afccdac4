/** The user's settings: loaded once, again as long as that fails, and changed. */

import { RequestError } from "./api.js";
import { Backoff } from "./backoff.js";

const PATH = "/api/users/me/settings";

export class Settings {
  #backoff = new Backoff();

  /**
   * @param {import("./api.js").Api} api
   * @param {import("./store.js").Store} store
   */
  constructor(api, store) {
    this.api = api;
    this.store = store;
  }

  async load() {
    try {
      this.#show(await this.#backoff.repeat(() => this.api.get(PATH)));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
    }
  }

  /** @param {Partial<import("../types.js").Settings>} change */
  async change(change) {
    this.#show(await this.api.call("PATCH", PATH, change));
  }

  stop() {
    this.#backoff.stop();
  }

  /**
   * Show settings. A user without receipts or typing sees nothing more of what came before.
   * @param {import("../types.js").Settings} settings
   */
  #show(settings) {
    this.store.update((state) => ({
      ...state,
      settings,
      markers: settings.receipts ? state.markers : ownOnly(state),
      typing: settings.typing ? state.typing : {},
    }));
  }
}

/** @param {import("../types.js").State} state */
function ownOnly({ markers, me }) {
  return Object.fromEntries(
    Object.entries(markers).map(([group, of]) => [
      group,
      Object.fromEntries(Object.entries(of).filter(([user]) => user === me.uuid)),
    ]),
  );
}
