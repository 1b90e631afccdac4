/** Emoji to react with: those that the user took last, and all of them with their names. */

import { fetchJson } from "./api.js";
import { searchText } from "./text.js";

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

/** @typedef {{emoji: string, name: string, words: string}} Emoji */
/** @typedef {{name: string, emoji: Emoji[]}} EmojiGroup */

/** @type {Promise<EmojiGroup[]> | null} */
let loading = null;

/** Return all emoji in their groups. They are loaded at the first call, and again after a failure. */
export function loadEmoji() {
  loading ??= fetchJson("/static/vendor/emoji.json", { cache: "default" }).then(parse, (error) => {
    loading = null;
    throw error;
  });
  return loading;
}

/**
 * @param {{name: string, emoji: [emoji: string, name: string, keywords: string][]}[]} groups
 * @returns {EmojiGroup[]}
 */
function parse(groups) {
  const read = (/** @type {[string, string, string]} */ [emoji, name, keywords]) => ({
    emoji,
    name,
    words: searchText(` ${name} ${keywords}`),
  });
  return groups.map((group) => ({ name: group.name, emoji: group.emoji.map(read) }));
}

/**
 * Return the emoji that have words with these beginnings, those first that are called so; without a query, all groups.
 * @param {EmojiGroup[]} groups
 * @param {string} query
 * @returns {EmojiGroup[]}
 */
export function searchEmoji(groups, query) {
  const wanted = searchText(query).trim();
  if (wanted === "") return groups;
  const starts = wanted.split(" ").map((start) => ` ${start}`);
  const matches = (/** @type {Emoji} */ { emoji, words }) =>
    emoji === query.trim() || starts.every((start) => words.includes(start));
  const found = groups.flatMap((group) => group.emoji.filter(matches));
  const named = found.filter(({ words }) => words.startsWith(` ${wanted}`));
  const sorted = [...named, ...found.filter((each) => !named.includes(each))];
  return sorted.length > 0 ? [{ name: "Found", emoji: sorted }] : [];
}
