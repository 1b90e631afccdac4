/** Message texts: their length by the rule of the server, links, and initials and hues of names. */

/** White space by the definition of Python's str.isspace(), which the server uses. */
const WHITE_SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const BLANK = new RegExp(`^[${WHITE_SPACE}]*$`);
const LINK = /\bhttps?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]}]/gi;

/**
 * Count the characters (code points) of a text. A text of white space only has none, as it cannot be sent.
 * @param {string} text
 */
export function countCharacters(text) {
  return BLANK.test(text) ? 0 : [...text].length;
}

/**
 * Remove NUL and replace unpaired surrogates, which the server does not accept.
 * @param {string} text
 */
export function sanitize(text) {
  return text.replaceAll("\0", "").replace(/\p{Surrogate}/gu, "\ufffd");
}

/**
 * Return a text without case, accents and punctuation, as the service compares names in a search.
 * @param {string} text
 */
export function searchText(text) {
  const letters = text
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase();
  return letters.replace(/[\s.,;:!?"'’`´(){}[\]/&+–—-]+/g, " ");
}

/**
 * Split a text into plain parts and links.
 * @param {string} text
 * @returns {{text: string, isLink: boolean}[]}
 */
export function splitLinks(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    if (match.index > end) parts.push({ text: text.slice(end, match.index), isLink: false });
    parts.push({ text: match[0], isLink: true });
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), isLink: false });
  return parts;
}

/**
 * Return one or two letters for an avatar.
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
 * Return one of eight hues, in degrees: always the same one for a key.
 * @param {string} key
 */
export function hueOf(key) {
  let hash = 2166136261;
  for (const character of key) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619);
  return (160 + ((hash >>> 16) % 8) * 45) % 360;
}
