/** What stands out in the text of a message: links, code and emphasis. Everything else stays as it was written. */

import { splitMentions } from "./mentions.js";
import { splitLinks } from "./text.js";

/** A block between three backticks, or code between single ones. */
const CODE = /```\n?([\s\S]+?)\n?```|`([^`\n]+)`/g;
/** Words between asterisks, which do not touch other letters. */
const EMPHASIS = /(?<![\p{L}\p{N}*])\*(?![\s*])()([^*\n]*[^*\s])\*(?![\p{L}\p{N}*])/gu;

/** @typedef {import("./mentions.js").Member} Member */
/** @typedef {{text: string, kind: "plain" | "code" | "block" | "emphasis" | "link" | "mention", href?: string, member?: Member}} Part */

/**
 * Return the parts of a text. A link may contain asterisks, and code may contain anything.
 * @param {string} text
 * @param {Member[]} [mentioned] the members that it mentions
 * @returns {Part[]}
 */
export function partsOf(text, mentioned = []) {
  return split(text, CODE, (block) => (block ? "block" : "code")).flatMap((part) =>
    part.kind === "plain" ? splitLinks(part.text).flatMap((each) => linkOrText(each, mentioned)) : [part],
  );
}

/**
 * @param {{text: string, href: string | null}} part
 * @param {Member[]} mentioned
 * @returns {Part[]}
 */
function linkOrText({ text, href }, mentioned) {
  if (href !== null) return [{ text, kind: "link", href }];
  return split(text, EMPHASIS, () => "emphasis").flatMap((part) =>
    part.kind === "plain" ? splitMentions(part.text, mentioned).map(mentionOrText) : [part],
  );
}

/**
 * @param {{text: string, member: Member | null}} part
 * @returns {Part}
 */
function mentionOrText({ text, member }) {
  return member ? { text, kind: "mention", member } : { text, kind: "plain" };
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
