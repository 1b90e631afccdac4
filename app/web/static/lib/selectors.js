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
 * Return the numbers of the messages that are quoted in the open conversation and not known yet, ascending.
 * @param {State} state
 */
export function missingQuotes(state) {
  const { thread, pending } = state;
  if (!thread) return [];
  const known = new Set(thread.messages.map((message) => message.number));
  const quoting = [...thread.messages, ...pending.filter((each) => each.group === thread.group)];
  const quoted = new Set(quoting.map((each) => each.reply_to ?? 0));
  return [...quoted]
    .filter((number) => number > 0 && !known.has(number) && !(number in thread.quotes))
    .sort((a, b) => a - b);
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
