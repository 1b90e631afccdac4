/** Texts as the server counts and cuts them, and as people read them. */

/** White space as Python's str.strip() knows it, which is what the server trims. */
const BLANK = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const AROUND = new RegExp(`^[${BLANK}]+|[${BLANK}]+$`, "g");
const LINK = /\bhttps?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]}]/gi;

/**
 * How many characters (code points) of a text count.
 * @param {string} text
 */
export function lengthOf(text) {
  return [...text.replace(AROUND, "")].length;
}

/**
 * A text that the server takes: without NUL and halves of characters, which no person has typed.
 * @param {string} text
 */
export function cleaned(text) {
  return text.replaceAll("\0", "").replace(/\p{Surrogate}/gu, "\ufffd");
}

/**
 * The text in parts: plain ones, and addresses that may become links.
 * @param {string} text
 * @returns {{text: string, isLink: boolean}[]}
 */
export function partsOf(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(LINK)) {
    if (found.index > end) parts.push({ text: text.slice(end, found.index), isLink: false });
    parts.push({ text: found[0], isLink: true });
    end = found.index + found[0].length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), isLink: false });
  return parts;
}

/**
 * One or two letters for an avatar.
 * @param {string} name
 */
export function initialsOf(name) {
  const words = name.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const ends = words.length > 1 ? [words[0], words.at(-1)] : words.slice(0, 1);
  return (
    ends
      .map((word) => word?.match(/[\p{L}\p{N}]/u)?.[0] ?? "")
      .join("")
      .toLocaleUpperCase() || "?"
  );
}

/**
 * One of eight hues, in degrees, that somebody keeps for ever.
 * @param {string} key
 */
export function hueOf(key) {
  let hash = 2166136261;
  for (const character of key) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619);
  return (160 + ((hash >>> 16) % 8) * 45) % 360;
}
