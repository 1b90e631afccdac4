/** Unsent texts, one for each conversation. They are kept in this browser until they are sent or the user signs out. */

export class Drafts {
  /**
   * @param {string} user
   * @param {import("./store.js").Store} store
   */
  constructor(user, store) {
    this.prefix = `cruddur-draft:${user}:`;
    this.store = store;
  }

  /** @param {string} key the handle of the other user, or the group if there is none */
  get(key) {
    return localStorage.getItem(this.prefix + key) ?? "";
  }

  /**
   * @param {string} key
   * @param {string} text
   */
  set(key, text) {
    try {
      if (text.trim() === "") localStorage.removeItem(this.prefix + key);
      else localStorage.setItem(this.prefix + key, text);
    } catch {} // the storage is full: the text stays in the composer only
  }

  /** Show what is stored, which other tabs change too. */
  refresh() {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix));
    const drafts = Object.fromEntries(
      keys.map((key) => [key.slice(this.prefix.length), localStorage.getItem(key) ?? ""]),
    );
    this.store.set({ drafts });
  }

  clear() {
    for (const key of Object.keys(localStorage)) if (key.startsWith(this.prefix)) localStorage.removeItem(key);
  }
}
