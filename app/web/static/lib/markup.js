/** What stands out in the text of a message: links, code and emphasis. Everything else stays as it was written. */

import { splitLinks } from "./text.js";

/** A block between three backticks, or code between single ones. */
const CODE = /```\n?([\s\S]+?)\n?```|`([^`\n]+)`/g;
/** Words between asterisks, which do not touch other letters. */
const EMPHASIS = /(?<![\p{L}\p{N}*])\*(?![\s*])()([^*\n]*[^*\s])\*(?![\p{L}\p{N}*])/gu;

/** @typedef {{text: string, kind: "plain" | "code" | "block" | "emphasis" | "link", href?: string}} Part */

/**
 * Return the parts of a text. A link may contain asterisks, and code may contain anything.
 * @param {string} text
 * @returns {Part[]}
 */
export function partsOf(text) {
  return split(text, CODE, (block) => (block ? "block" : "code")).flatMap((part) =>
    part.kind === "plain" ? splitLinks(part.text).flatMap(linkOrText) : [part],
  );
}

/**
 * @param {{text: string, href: string | null}} part
 * @returns {Part[]}
 */
function linkOrText({ text, href }) {
  return href === null ? split(text, EMPHASIS, () => "emphasis") : [{ text, kind: "link", href }];
}

/**
 * @param {string} text
 * @param {RegExp} pattern with two groups, one of which has the text without its marks
 * @param {(first: string | undefined) => Part["kind"]} kindOf
 * @returns {Part[]}
 */
function split(text, pattern, kindOf) {
  /** @type {Part[]} */
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) parts.push({ text: text.slice(end, match.index), kind: "plain" });
    parts.push({ text: match[1] || match[2] || "", kind: kindOf(match[1]) });
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), kind: "plain" });
  return parts;
}

/** What browsers call the emoji that Unicode recommends; a pattern has them as strings with this flag only. */
const EMOJI = "\\p{RGI_Emoji}";
const STRINGS = "v";
const FEW_EMOJI = new RegExp(`^\\s*(?:${EMOJI}\\s*){1,3}$`, STRINGS);

/**
 * Return whether a text is one to three emoji and nothing else.
 * @param {string} text
 */
export function isEmojiOnly(text) {
  return FEW_EMOJI.test(text);
}
