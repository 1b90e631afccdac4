/** What the page knows, and how each event changes it: pure functions from a state to the next. */

/** @typedef {import("../types.js").State} State */
/** @typedef {import("../types.js").Group} Group */
/** @typedef {import("../types.js").Message} Message */
/** @typedef {import("../types.js").Thread} Thread */
/** @typedef {import("../types.js").LiveEvent} LiveEvent */

/** Messages that the page holds at most: what is near the view. */
export const WINDOW = 250;
export const PAGE = 50;
const TYPING_LASTS = 15_000;

/**
 * @param {import("../types.js").Me} me
 * @param {import("../types.js").Pending[]} pending
 * @returns {State}
 */
export function initialState(me, pending) {
  return {
    me,
    pending,
    line: "connecting",
    groups: {},
    hasInbox: false,
    more: null,
    inboxFailure: null,
    thread: null,
    readers: {},
    typing: {},
  };
}

/** Holds the state and tells who asked about every change of it. */
export class Store {
  /** @param {State} state */
  constructor(state) {
    this.state = state;
    /** @type {Set<() => void>} */
    this.listeners = new Set();
  }

  /** @param {(state: State) => State} change */
  update(change) {
    const next = change(this.state);
    if (next === this.state) return;
    this.state = next;
    for (const listener of [...this.listeners]) listener();
  }

  /** @param {Partial<State>} change */
  set(change) {
    this.update((state) => ({ ...state, ...change }));
  }

  /**
   * Change the open conversation, if it still is this one.
   * @param {string} group
   * @param {(thread: Thread) => Thread} change
   */
  updateThread(group, change) {
    this.update((state) => (state.thread?.group === group ? { ...state, thread: change(state.thread) } : state));
  }
}

/**
 * The state after an event. Events may come twice and late: numbers and versions tell.
 * @param {State} state
 * @param {LiveEvent} event
 * @param {number} now milliseconds
 * @returns {State}
 */
export function applyEvent(state, event, now) {
  switch (event.type) {
    case "message":
      return applyMessages(applyGroups(state, [event.group]), [event.message]);
    case "group":
      return applyGroups(state, [event.group]);
    case "read":
      return applyRead(state, event.message_group_uuid, event.user_uuid, event.number);
    case "profile":
      return applyProfile(state, event.user);
    case "typing":
      return applyTyping(state, event, now);
    default:
      return state;
  }
}

/**
 * Newer rows replace older ones, and what only moves forward never goes back.
 * @param {State} state
 * @param {Group[]} rows
 * @returns {State}
 */
export function applyGroups(state, rows) {
  const groups = { ...state.groups };
  for (const row of rows) groups[row.uuid] = merged(groups[row.uuid], row);
  return { ...state, groups };
}

/**
 * @param {Group | undefined} known
 * @param {Group} row
 * @returns {Group}
 */
function merged(known, row) {
  if (!known) return row;
  const newer = row.version >= known.version ? row : known;
  const head = known.last_number > newer.last_number ? known : newer;
  const read = Math.max(known.read_number, row.read_number);
  return {
    ...newer,
    message: head.message,
    created_at: head.created_at,
    last_message_by: head.last_message_by,
    last_number: head.last_number,
    read_number: read,
    unread_count: Math.max(0, head.last_number - read),
  };
}

/**
 * @param {State} state
 * @param {string[]} gone
 * @returns {State}
 */
export function removeGroups(state, gone) {
  return {
    ...state,
    groups: Object.fromEntries(Object.entries(state.groups).filter(([uuid]) => !gone.includes(uuid))),
  };
}

/**
 * Messages that the server has: whatever was waiting under their uuids has arrived.
 * @param {State} state
 * @param {Message[]} messages
 * @returns {State}
 */
export function applyMessages(state, messages) {
  let next = state;
  for (const message of messages) next = applyMessage(next, message);
  const arrived = new Set(messages.map((message) => message.uuid));
  if (!next.pending.some((each) => arrived.has(each.uuid))) return next;
  return { ...next, pending: next.pending.filter((each) => !arrived.has(each.uuid)) };
}

/**
 * @param {State} state
 * @param {Message} message
 * @returns {State}
 */
function applyMessage(state, message) {
  const { message_group_uuid: uuid, user_uuid: sender, number } = message;
  let next = withoutTyping(applyRead(state, uuid, sender, number), uuid, sender);
  const group = next.groups[uuid];
  if (group && number > group.last_number) {
    const read_number = sender === state.me.uuid ? number : group.read_number;
    const row = {
      ...group,
      read_number,
      last_number: number,
      unread_count: number - read_number,
      message: message.message,
      created_at: message.created_at,
      last_message_by: sender,
    };
    next = { ...next, groups: { ...next.groups, [uuid]: row } };
  }
  if (next.thread?.group !== uuid) return next;
  return { ...next, thread: appended(next.thread, message) };
}

/**
 * The next message of a window. Any other is not for now: what is missing between is fetched when it comes into view.
 * @param {Thread} thread
 * @param {Message} message
 * @returns {Thread}
 */
function appended(thread, message) {
  const last = thread.messages.at(-1);
  if (thread.isLoading || message.number !== (last?.number ?? 0) + 1) return thread;
  if (thread.messages.length >= WINDOW && !thread.isFollowing) return thread;
  return keptNewest({ ...thread, messages: [...thread.messages, message] });
}

/**
 * A page of older messages joins the window, which lets go of its newest ones.
 * @param {Thread} thread
 * @param {Message[]} page
 * @param {number} limit how many were asked for
 * @returns {Thread}
 */
export function withOlder(thread, page, limit) {
  const first = thread.messages[0]?.number ?? Infinity;
  const older = page.filter((message) => message.number < first);
  const atStart = page.length < limit || older[0]?.number === 1;
  return { ...thread, isBusy: false, atStart, messages: [...older, ...thread.messages].slice(0, WINDOW) };
}

/**
 * A page of newer messages joins the window, which lets go of its oldest ones.
 * @param {Thread} thread
 * @param {Message[]} page
 * @returns {Thread}
 */
export function withNewer(thread, page) {
  const last = thread.messages.at(-1)?.number ?? 0;
  const newer = page.filter((message) => message.number > last);
  return keptNewest({ ...thread, isBusy: false, messages: [...thread.messages, ...newer] });
}

/**
 * @param {Thread} thread
 * @returns {Thread}
 */
function keptNewest(thread) {
  const tooMany = thread.messages.length - WINDOW;
  return tooMany > 0 ? { ...thread, atStart: false, messages: thread.messages.slice(tooMany) } : thread;
}

/**
 * Somebody has read up to a number, on whatever device.
 * @param {State} state
 * @param {string} uuid
 * @param {string} user
 * @param {number} number
 * @returns {State}
 */
export function applyRead(state, uuid, user, number) {
  const known = state.readers[uuid] ?? {};
  if ((known[user] ?? 0) >= number) return state;
  const next = { ...state, readers: { ...state.readers, [uuid]: { ...known, [user]: number } } };
  const group = state.groups[uuid];
  if (user !== state.me.uuid || !group || group.read_number >= number) return next;
  const read = { ...group, read_number: number, unread_count: Math.max(0, group.last_number - number) };
  return { ...next, groups: { ...state.groups, [uuid]: read } };
}

/**
 * @param {State} state
 * @param {import("../types.js").Person} user
 * @returns {State}
 */
export function applyProfile(state, user) {
  const name = { display_name: user.display_name, handle: user.handle };
  const groups = Object.fromEntries(
    Object.entries(state.groups).map(([uuid, group]) => [
      uuid,
      group.handle === user.handle ? { ...group, ...name } : group,
    ]),
  );
  const me = state.me.uuid === user.uuid ? { ...state.me, ...name } : state.me;
  const messages = state.thread?.messages.map((each) => (each.user_uuid === user.uuid ? { ...each, ...name } : each));
  const thread = state.thread && messages ? { ...state.thread, messages } : state.thread;
  return { ...state, me, groups, thread };
}

/**
 * @param {State} state
 * @param {Extract<LiveEvent, {type: "typing"}>} event
 * @param {number} now
 * @returns {State}
 */
function applyTyping(state, event, now) {
  if (event.user_uuid === state.me.uuid) return state;
  if (!event.is_typing) return withoutTyping(state, event.message_group_uuid, event.user_uuid);
  const those = { ...state.typing[event.message_group_uuid], [event.user_uuid]: now + TYPING_LASTS };
  return { ...state, typing: { ...state.typing, [event.message_group_uuid]: those } };
}

/**
 * @param {State} state
 * @param {string} group
 * @param {string} user
 * @returns {State}
 */
function withoutTyping(state, group, user) {
  if (!state.typing[group]?.[user]) return state;
  const { [user]: _, ...others } = state.typing[group];
  return { ...state, typing: { ...state.typing, [group]: others } };
}

/**
 * Nobody types for longer than they say so.
 * @param {State} state
 * @param {number} now
 * @returns {State}
 */
export function expireTyping(state, now) {
  const those = Object.entries(state.typing).flatMap(([group, users]) =>
    Object.entries(users).map(([user, until]) => ({ group, user, until })),
  );
  return those
    .filter(({ until }) => until <= now)
    .reduce((next, { group, user }) => withoutTyping(next, group, user), state);
}
