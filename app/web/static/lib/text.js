/** Message texts: their length by the rule of the server, links, and initials and hues of names. */

/** White space by the definition of Python's str.isspace(), which the server uses. */
const WHITE_SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const BLANK = new RegExp(`^[${WHITE_SPACE}]*$`);
const WEB = /\b(?:https?:\/\/|www\.(?=[^\s.]))[^\s<>"'`]*[^\s<>"'`.,;:!?\]}]/;
const MAIL = /\b[\p{L}\p{N}._%+-]+@(?:[\p{L}\p{N}-]+\.)+\p{L}{2,}/u;
const LINK = new RegExp(`${WEB.source}|${MAIL.source}`, "giu");

/** Lines above which a text is shown by its first ones, with about so many characters in a line. */
const MOST_LINES = 30;
const SHOWN_LINES = 20;
const LINE_LENGTH = 60;

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
 * Return the first lines of a very tall text, or a text of ordinary height as it is.
 * @param {string} text
 */
export function beginningOf(text) {
  const lines = text.split("\n");
  let height = 0;
  const bottoms = lines.map((line) => {
    height += Math.max(1, Math.ceil(line.length / LINE_LENGTH));
    return height;
  });
  if (height <= MOST_LINES) return text;
  const end = bottoms.findIndex((bottom) => bottom > SHOWN_LINES);
  return end > 0 ? lines.slice(0, end).join("\n") : `${[...text].slice(0, SHOWN_LINES * LINE_LENGTH).join("")}…`;
}

/**
 * Split a text into plain parts and links to web pages and mail addresses.
 * @param {string} text
 * @returns {{text: string, href: string | null}[]}
 */
export function splitLinks(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const link = withoutOpenEnd(match[0]);
    if (match.index > end) parts.push({ text: text.slice(end, match.index), href: null });
    parts.push({ text: link, href: addressOf(link) });
    end = match.index + link.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), href: null });
  return parts;
}

/**
 * Return a link without the parentheses at its end that it does not open: they belong to the sentence around it.
 * @param {string} link
 * @returns {string}
 */
function withoutOpenEnd(link) {
  const count = (/** @type {string} */ sign) => link.split(sign).length - 1;
  if (link.endsWith(")") && count(")") > count("(")) return withoutOpenEnd(link.slice(0, -1).replace(/[.,;:!?]+$/, ""));
  return link;
}

/** @param {string} link */
function addressOf(link) {
  if (/^https?:/i.test(link)) return link;
  return /^www\./i.test(link) ? `https://${link}` : `mailto:${link}`;
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
