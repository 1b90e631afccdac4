/** Changes of messages: edits, deletions and reactions, in the order of their numbers. */

import { asHidden, hasExpired } from "./visibility.js";

/** The most changes that are kept for messages that are being loaded meanwhile. */
const MAX_RECENT = 100;

/** @typedef {import("../types.js").Message} Message */
/** @typedef {import("../types.js").Thread} Thread */
/** @typedef {import("../types.js").State} State */
/** @typedef {import("../types.js").Change} Change */
/** @typedef {Pick<Change, "user_uuid" | "created_at" | "message" | "version" | "emoji">
 *   & {type: string, mentions: string[] | null}} Effect */

/**
 * Return the state with these changes, in the open conversation and in those that were open before.
 * @param {State} state
 * @param {Change[]} changes in the order of their numbers
 * @returns {State}
 */
export function applyChanges(state, changes) {
  if (changes.length === 0) return state;
  const apply = (/** @type {Thread} */ thread) =>
    changes.reduce((next, change) => applyNext(next, change, state.me.uuid), thread);
  return { ...state, thread: state.thread && apply(state.thread), kept: state.kept.map(apply) };
}

/**
 * Apply the change that follows those of the conversation directly. After a gap the page fetches the changes in it.
 * @param {Thread} thread
 * @param {Change} change
 * @param {string} me
 * @returns {Thread}
 */
function applyNext(thread, change, me) {
  if (thread.group !== change.message_group_uuid || change.change_number !== thread.changeNumber + 1) return thread;
  return {
    ...thread,
    changeNumber: change.change_number,
    changes: [...thread.changes, change].slice(-MAX_RECENT),
    messages: thread.messages.map((message) => withChange(message, change, me)),
  };
}

/**
 * Return messages that were loaded for a conversation with the changes that have arrived meanwhile.
 * @param {Thread} thread
 * @param {Message[]} messages
 * @param {string} me
 * @returns {Message[]}
 */
export function withRecentChanges(thread, messages, me) {
  return messages.map((message) => thread.changes.reduce((next, change) => withChange(next, change, me), message));
}

/**
 * Return a message after a change of it, unless it has that already, or after a change of the message that it quotes.
 * @param {Message} message
 * @param {Change} change
 * @param {string} me
 * @returns {Message}
 */
function withChange(message, change, me) {
  if (message.reply && message.reply.number === change.number && !message.reply.is_hidden)
    return { ...message, reply: { ...message.reply, ...quoteAfter(change) } };
  if (message.number !== change.number || change.change_number <= message.change_number) return message;
  return { ...changed(message, change, me), change_number: change.change_number };
}

/** @param {Change} change */
function quoteAfter(change) {
  if (change.type === "delete") return { message: "", deleted_at: change.created_at };
  return change.type === "edit" && change.message !== null ? { message: change.message } : {};
}

/**
 * Return a message after what a member has done to it.
 * @param {Message} message
 * @param {Effect} effect
 * @param {string} me
 * @returns {Message}
 */
function changed(message, effect, me) {
  const { type, user_uuid, emoji, created_at } = effect;
  if (type === "hide") return asHidden(message);
  if (type === "delete") return { ...message, message: "", deleted_at: created_at, reactions: [], mentions: [] };
  if (message.is_hidden || hasExpired(message, Date.now())) return message;
  if (type === "edit") {
    const { message: text, version } = effect;
    const isLater = version !== null && version > message.version;
    const mentions = withMentions(message.mentions, effect.mentions);
    return isLater
      ? { ...message, message: text ?? message.message, version, edited_at: created_at, mentions }
      : message;
  }
  if (!emoji) return message; // of a type that is not known
  return { ...message, reactions: withReaction(message.reactions, emoji, type === "react" ? 1 : -1, user_uuid === me) };
}

/**
 * Return the mentions after an edit, which has ids only: those that it adds have no names.
 * @param {Message["mentions"]} mentions
 * @param {string[] | null} uuids
 * @returns {Message["mentions"]}
 */
function withMentions(mentions, uuids) {
  if (!uuids) return mentions;
  const known = new Map(mentions.map((each) => [each.user_uuid, each]));
  return uuids.map((uuid) => known.get(uuid) ?? { user_uuid: uuid, display_name: "", handle: null });
}

/**
 * @param {Message["reactions"]} reactions
 * @param {string} emoji
 * @param {1 | -1} step
 * @param {boolean} isOwn
 */
function withReaction(reactions, emoji, step, isOwn) {
  const before = reactions.find((each) => each.emoji === emoji) ?? { emoji, count: 0, me: false };
  if (isOwn && before.me === step > 0) return reactions;
  const after = { emoji, count: before.count + step, me: isOwn ? step > 0 : before.me };
  const others = reactions.filter((each) => each.emoji !== emoji);
  return [...others, ...(after.count > 0 ? [after] : [])].sort(
    (a, b) => b.count - a.count || (a.emoji < b.emoji ? -1 : 1),
  );
}

/**
 * Return messages as they will be after the changes that are on their way.
 * @param {Message[]} messages
 * @param {import("../types.js").PendingChange[]} pending
 * @param {string} me
 * @returns {Message[]}
 */
export function withPending(messages, pending, me) {
  const waiting = pending.filter((each) => each.refusal === null);
  if (waiting.length === 0) return messages;
  return messages.map((message) =>
    waiting
      .filter((each) => each.group === message.message_group_uuid && each.number === message.number)
      .reduce((next, each) => changed(next, effectOf(each, next, me), me), message),
  );
}

/**
 * @param {import("../types.js").PendingChange} pending
 * @param {Message} message
 * @param {string} me
 * @returns {Effect}
 */
function effectOf({ type, text, emoji, created_at, mentions }, message, me) {
  return {
    type,
    user_uuid: me,
    created_at,
    emoji,
    message: text,
    version: message.version + 1,
    mentions: mentions ?? null,
  };
}

/**
 * Return the state with a message as the server has returned it after a change.
 * @param {State} state
 * @param {Message} message
 * @returns {State}
 */
export function replaceMessage(state, message) {
  const isOlder = (/** @type {Message} */ each) =>
    each.uuid === message.uuid &&
    (each.change_number < message.change_number || (message.is_hidden && !each.is_hidden));
  const replace = (/** @type {Thread} */ thread) =>
    thread.messages.some(isOlder)
      ? { ...thread, messages: thread.messages.map((each) => (isOlder(each) ? message : each)) }
      : thread;
  return { ...state, thread: state.thread && replace(state.thread), kept: state.kept.map(replace) };
}
