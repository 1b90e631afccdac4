/** Emoji to react with: those that the user took last, and common ones. */

const COMMON = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/** Keeps the emoji that a user took last in this browser. */
export class RecentEmoji {
  /** @param {string} user */
  constructor(user) {
    this.key = `cruddur-emoji:${user}`;
  }

  /** @returns {string[]} six of them, the last one first */
  all() {
    const stored = (localStorage.getItem(this.key) ?? "").split(" ").filter(Boolean);
    return [...new Set([...stored, ...COMMON])].slice(0, COMMON.length);
  }

  /** @param {string} emoji */
  add(emoji) {
    try {
      localStorage.setItem(this.key, [...new Set([emoji, ...this.all()])].join(" "));
    } catch {} // the storage is full: the order stays as it is
  }

  clear() {
    localStorage.removeItem(this.key);
  }
}
