/** Emoji to react with: those that the user took last, and all of them with their names and skin tones. */

import { fetchJson } from "./api.js";
import { searchText } from "./text.js";

const COMMON = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/** Keeps the emoji that a user took last, and the skin tone of the picker, in this browser. */
export class RecentEmoji {
  /** @param {string} user */
  constructor(user) {
    this.key = `cruddur-emoji:${user}`;
    this.toneKey = `cruddur-skin-tone:${user}`;
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

  /** The skin tone of the picker, from 1 (light) to 5 (dark); 0: none. */
  get tone() {
    return Number(localStorage.getItem(this.toneKey) ?? 0);
  }

  set tone(tone) {
    try {
      localStorage.setItem(this.toneKey, `${tone}`);
    } catch {} // the storage is full: the next picker has the tone of before
  }

  clear() {
    localStorage.removeItem(this.key);
    localStorage.removeItem(this.toneKey);
  }
}

/** @typedef {{emoji: string, name: string, words: string, tones: string[]}} Emoji */
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

/** @typedef {[emoji: string, name: string, keywords: string, tones?: string[]]} Entry */

/**
 * @param {{name: string, emoji: Entry[]}[]} groups
 * @returns {EmojiGroup[]}
 */
function parse(groups) {
  const read = (/** @type {Entry} */ [emoji, name, keywords, tones = []]) => ({
    emoji,
    name,
    words: searchText(` ${name} ${keywords}`),
    tones,
  });
  return groups.map((group) => ({ name: group.name, emoji: group.emoji.map(read) }));
}

/**
 * Return an emoji in a skin tone, or as it is if it has none.
 * @param {Emoji} emoji
 * @param {number} tone
 */
export function inTone({ emoji, tones }, tone) {
  return tones[tone - 1] ?? emoji;
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
  const matches = (/** @type {Emoji} */ { emoji, words, tones }) =>
    [emoji, ...tones].includes(query.trim()) || starts.every((start) => words.includes(start));
  const found = groups.flatMap((group) => group.emoji.filter(matches));
  const named = found.filter(({ words }) => words.startsWith(` ${wanted}`));
  const sorted = [...named, ...found.filter((each) => !named.includes(each))];
  return sorted.length > 0 ? [{ name: "Found", emoji: sorted }] : [];
}
