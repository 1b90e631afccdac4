/** Selectors: values that are derived from the state. */

import { isOfSeveral } from "./groups/state.js";

/** @typedef {import("../types.js").State} State */

/**
 * Return the groups of all folders, newest activity first.
 * @param {State["groups"]} groups
 */
export function inboxOf(groups) {
  return Object.values(groups)
    .filter((group) => group.state === "active")
    .sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
}

/**
 * Return the groups of a folder: those that are pinned in their order, then the others, newest activity first.
 * @param {State["groups"]} groups
 * @param {import("../types.js").Folder} folder
 */
export function folderOf(groups, folder) {
  const place = (/** @type {import("../types.js").Group} */ group) => group.pin_position ?? Infinity;
  return inboxOf(groups)
    .filter((group) => group.folder === folder)
    .sort((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
}

/**
 * Return whether a group is one that another user has started, and this one has not accepted.
 * @param {import("../types.js").Group} group
 */
export function isRequest(group) {
  return group.folder === "requests";
}

/**
 * Count the groups of the inbox that are unread, and not muted.
 * @param {State["groups"]} groups
 */
export function countUnreadGroups(groups) {
  return folderOf(groups, "inbox").filter((group) => isUnread(group) && !isMuted(group, Date.now())).length;
}

/**
 * Return whether a group is muted.
 * @param {import("../types.js").Group} group
 * @param {number} now milliseconds
 */
export function isMuted({ muted_until }, now) {
  return muted_until !== null && Date.parse(muted_until) > now;
}

/**
 * Return the number of the last message of the open conversation, in the window or not.
 * @param {State} state
 */
export function lastNumberOf(state) {
  const thread = state.thread;
  if (!thread) return 0;
  return Math.max(state.groups[thread.group]?.last_number ?? 0, thread.messages.at(-1)?.number ?? 0);
}

/**
 * Count the messages after the window.
 * @param {State} state
 */
export function countAfterWindow(state) {
  const { thread, groups } = state;
  const cleared = (thread && groups[thread.group]?.cleared_number) ?? 0;
  return lastNumberOf(state) - (thread?.messages.at(-1)?.number ?? cleared);
}

/**
 * Return the pending messages to a group or to the user of a handle, in the order in which they were written.
 * @param {import("../types.js").Pending[]} pending
 * @param {string | null} group
 * @param {string | null} handle
 * @param {import("../types.js").Message[]} messages the messages that are shown, which may be so before their answers
 */
export function pendingFor(pending, group, handle, messages = []) {
  const arrived = new Set(messages.map((message) => message.uuid));
  return pending.filter(
    (each) =>
      !arrived.has(each.uuid) && (each.group ? each.group === group : handle !== null && each.handle === handle),
  );
}

/**
 * Return the message that another one replies to, as it stands in the window, or else as it came with that one.
 * @param {import("../types.js").Message[]} messages
 * @param {Pick<import("../types.js").Pending, "reply_to" | "reply">} replying
 * @returns {import("../types.js").Quoted | null}
 */
export function quotedBy(messages, { reply_to, reply }) {
  return messages.find((message) => message.number === reply_to) ?? reply ?? null;
}

/**
 * Return the highest numbers that the other user has read and received; 0 for a user who shares no receipts, and in a
 * group of several, where a message may be read by some.
 * @param {State} state
 * @param {string} group
 */
export function markersOfOthers(state, group) {
  if (state.settings?.receipts === false || isOfSeveral(state.groups[group])) return { read: 0, delivered: 0 };
  const others = Object.entries(state.markers[group] ?? {}).filter(([user]) => user !== state.me.uuid);
  const highest = (/** @type {"read" | "delivered"} */ name) => Math.max(0, ...others.map(([, each]) => each[name]));
  return { read: highest("read"), delivered: highest("delivered") };
}

/**
 * Return whether a group has unread messages, or was marked so.
 * @param {import("../types.js").Group} group
 */
export function isUnread(group) {
  return group.unread_count > 0 || group.is_marked_unread;
}

/**
 * Return whether another member is typing in a group.
 * @param {State} state
 * @param {string} group
 */
export function isTyping(state, group) {
  return Object.keys(state.typing[group] ?? {}).length > 0;
}

/**
 * Return whether messages can be sent now, as far as is known.
 * @param {State} state
 */
export function isOnline(state) {
  return state.connection === "live" || state.connection === "connecting";
}
