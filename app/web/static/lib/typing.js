/** Typing notifications to the other members of a group: repeated while typing goes on, withdrawn when it ends. */

const REPEAT_INTERVAL = 10_000;
const IDLE_TIMEOUT = 5_000;

export class Typing {
  #group = "";
  #notifiedAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #idleTimer;

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.api = api;
  }

  /** @param {string} group */
  onInput(group) {
    if (this.#group !== group) this.stop();
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.stop(), IDLE_TIMEOUT);
    if (Date.now() - this.#notifiedAt < REPEAT_INTERVAL) return;
    this.#group = group;
    this.#notifiedAt = Date.now();
    this.#notify("POST");
  }

  /** Withdraw the notification: the text was cleared or left alone. */
  stop() {
    if (this.#notifiedAt > 0) this.#notify("DELETE");
    this.onSent();
  }

  /** A message ends the sender's typing by itself. */
  onSent() {
    clearTimeout(this.#idleTimer);
    this.#notifiedAt = 0;
  }

  /** @param {"POST" | "DELETE"} method */
  #notify(method) {
    this.api.request(method, `/api/message_groups/${this.#group}/typing`).catch(() => {}); // expires by itself
  }
}
