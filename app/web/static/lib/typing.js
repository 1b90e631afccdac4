/** Tells the others of a group that one is typing: now and then while it lasts, and when it is over. */

const REPEAT = 10_000;
const IDLE = 5_000;

export class Typing {
  #group = "";
  #toldAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #idle;

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.api = api;
  }

  /** @param {string} group */
  typed(group) {
    if (this.#group !== group) this.stopped();
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.stopped(), IDLE);
    if (Date.now() - this.#toldAt < REPEAT) return;
    this.#group = group;
    this.#toldAt = Date.now();
    this.#tell("POST");
  }

  /** The text is gone, or nothing was typed for a while. */
  stopped() {
    if (this.#toldAt > 0) this.#tell("DELETE");
    this.sent();
  }

  /** A message ends the typing by itself. */
  sent() {
    clearTimeout(this.#idle);
    this.#toldAt = 0;
  }

  /** @param {string} method */
  #tell(method) {
    this.api.request(method, `/api/message_groups/${this.#group}/typing`).catch(() => {}); // nobody misses it
  }
}
