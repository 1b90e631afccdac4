/** The storage of the outbox in this browser. */

/** @typedef {import("../types.js").Pending} Pending */
/** @typedef {import("../types.js").PendingChange} PendingChange */
/** @typedef {Pending | PendingChange} Entry */

/** Keeps one entry per message or change in localStorage, so that two tabs never overwrite one another. */
export class OutboxStorage {
  /** @param {string} user */
  constructor(user) {
    this.prefix = `cruddur-outbox:${user}:`;
  }

  /** @returns {Entry[]} */
  all() {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.prefix));
    return keys.sort().flatMap((key) => parse(localStorage.getItem(key)));
  }

  /** @param {Entry} entry */
  put(entry) {
    localStorage.setItem(this.prefix + entry.uuid, JSON.stringify(entry));
  }

  /** @param {string} uuid */
  remove(uuid) {
    localStorage.removeItem(this.prefix + uuid);
  }

  clear() {
    for (const entry of this.all()) this.remove(entry.uuid);
  }
}

/**
 * @param {string | null} text
 * @returns {Entry[]}
 */
function parse(text) {
  try {
    return text === null ? [] : [JSON.parse(text)];
  } catch {
    return [];
  }
}
