/** Selectors: values that are derived from the state. */

/** @typedef {import("../types.js").State} State */

/**
 * Return the groups of the inbox, newest activity first.
 * @param {State["groups"]} groups
 */
export function inboxOf(groups) {
  return Object.values(groups).sort((a, b) => (a.created_at < b.created_at ? 1 : -1));
}

/**
 * Count the groups with unread messages.
 * @param {State["groups"]} groups
 */
export function countUnreadGroups(groups) {
  return Object.values(groups).filter((group) => group.unread_count > 0).length;
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
  return lastNumberOf(state) - (state.thread?.messages.at(-1)?.number ?? 0);
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
 * Return the highest number that another member has read.
 * @param {State} state
 * @param {string} group
 */
export function readByOthers(state, group) {
  const others = Object.entries(state.readers[group] ?? {}).filter(([user]) => user !== state.me.uuid);
  return Math.max(0, ...others.map(([, number]) => number));
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
