/** Questions to the state. */

/** @typedef {import("../types.js").State} State */

/**
 * The inbox, newest activity first.
 * @param {State["groups"]} groups
 */
export function inboxOf(groups) {
  return Object.values(groups).sort((one, other) => (one.created_at < other.created_at ? 1 : -1));
}

/**
 * How many groups have something unread.
 * @param {State["groups"]} groups
 */
export function unreadGroups(groups) {
  return Object.values(groups).filter((group) => group.unread_count > 0).length;
}

/**
 * The number of the last message of the open conversation, whether or not it is in the window.
 * @param {State} state
 */
export function endOf(state) {
  const thread = state.thread;
  if (!thread) return 0;
  return Math.max(state.groups[thread.group]?.last_number ?? 0, thread.messages.at(-1)?.number ?? 0);
}

/**
 * How many messages come after the window.
 * @param {State} state
 */
export function missingAfter(state) {
  return endOf(state) - (state.thread?.messages.at(-1)?.number ?? 0);
}

/**
 * What waits to be sent to a group, or to the person of a handle, in the order in which it was written.
 * @param {import("../types.js").Pending[]} pending
 * @param {string | null} group
 * @param {string | null} handle
 */
export function pendingFor(pending, group, handle) {
  return pending.filter((each) => (each.group ? each.group === group : handle !== null && each.handle === handle));
}

/**
 * Up to which number everybody else has read.
 * @param {State} state
 * @param {string} group
 */
export function readByOthers(state, group) {
  const others = Object.entries(state.readers[group] ?? {}).filter(([user]) => user !== state.me.uuid);
  return Math.max(0, ...others.map(([, number]) => number));
}

/**
 * Whether somebody else is typing in a group.
 * @param {State} state
 * @param {string} group
 */
export function isTyping(state, group) {
  return Object.keys(state.typing[group] ?? {}).length > 0;
}

/**
 * Return whether what is written now goes out at once.
 * @param {State} state
 */
export function isOnline(state) {
  return state.line === "live" || state.line === "connecting";
}
