/** The store: the state of the page, and pure functions that return the state after an event. */

import { applyChanges, withRecentChanges } from "./changes.js";
import { renameMember, setName } from "./groups/state.js";
import { clearMessages, hideMessages } from "./visibility.js";

/** @typedef {import("../types.js").State} State */
/** @typedef {import("../types.js").Group} Group */
/** @typedef {import("../types.js").Message} Message */
/** @typedef {import("../types.js").Thread} Thread */
/** @typedef {import("../types.js").LiveEvent} LiveEvent */

/** The most messages in the window of the open conversation. */
export const MAX_WINDOW = 250;
export const PAGE_SIZE = 50;
/** Milliseconds for which a typing event counts, by the contract of TypingEvent. */
const TYPING_TTL = 15_000;

/**
 * @param {import("../types.js").Me} me
 * @returns {State}
 */
export function initialState(me) {
  return {
    me,
    pending: [],
    pendingChanges: [],
    drafts: {},
    connection: "connecting",
    groups: {},
    hasInbox: false,
    nextPages: { inbox: undefined, requests: undefined, archive: undefined },
    folder: "inbox",
    inboxFailure: null,
    thread: null,
    kept: [],
    markers: {},
    settings: null,
    typing: {},
    members: {},
    names: {},
    presence: {},
    notifications: "unsupported",
    offersNotifications: false,
  };
}

/** Holds the state and calls its listeners after every change. */
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
   * Change the open conversation unless another one has been opened.
   * @param {string} group
   * @param {(thread: Thread) => Thread} change
   */
  updateThread(group, change) {
    this.update((state) => (state.thread?.group === group ? { ...state, thread: change(state.thread) } : state));
  }
}

/**
 * Return the state after an event. Events may be repeated or late: numbers and versions decide what is new.
 * @param {State} state
 * @param {LiveEvent} event
 * @param {number} now milliseconds
 * @returns {State}
 */
export function applyEvent(state, event, now) {
  switch (event.type) {
    case "message":
      return applyMessages(applyGroups(state, [event.group]), [event.message]);
    case "change":
      return applyChanges(applyGroups(state, [event.group]), [event.change]);
    case "group":
      return applyGroups(state, [event.group]);
    case "read":
      return applyMarkers(state, event.message_group_uuid, event);
    case "profile":
      return applyProfile(state, event.user);
    case "typing":
      return applyTyping(state, event, now);
    case "presence":
      return { ...state, presence: { ...state.presence, [event.user_uuid]: event } };
    default:
      return state;
  }
}

/**
 * Return the state with these rows. A newer version replaces an older one; numbers never decrease.
 * @param {State} state
 * @param {Group[]} rows
 * @returns {State}
 */
export function applyGroups(state, rows) {
  const groups = { ...state.groups };
  for (const row of rows) groups[row.uuid] = mergeRows(groups[row.uuid], row);
  const hidden = rows.filter((row) => row.hide_count > 0);
  const cleared = rows.filter((row) => row.cleared_number > 0);
  return cleared.reduce(
    (next, row) => clearMessages(next, row.uuid, row.cleared_number),
    hidden.reduce((next, row) => hideMessages(next, row.uuid, row.hidden), { ...state, groups }),
  );
}

/**
 * Return the state with the rows of a folder's page, and the address of the next page.
 * @param {State} state
 * @param {import("../types.js").Folder} folder
 * @param {Group[]} rows
 * @param {string | null} next
 * @returns {State}
 */
export function withPage(state, folder, rows, next) {
  return { ...applyGroups(state, rows), nextPages: { ...state.nextPages, [folder]: next } };
}

/**
 * @param {Group | undefined} current
 * @param {Group} row
 * @returns {Group}
 */
function mergeRows(current, row) {
  if (!current) return row;
  const newer = row.version >= current.version ? row : current;
  const head = current.last_number > newer.last_number ? current : newer;
  const read = Math.max(current.read_number, row.read_number);
  return {
    ...newer,
    message: head.message,
    created_at: head.created_at,
    last_message_by: head.last_message_by,
    expires_at: head.expires_at,
    last_number: head.last_number,
    change_number: Math.max(current.change_number, row.change_number),
    read_number: read,
    unread_count: Math.max(0, newer.unread_count + head.last_number - newer.last_number - (read - newer.read_number)),
    unread_mention_count: head.last_number > read ? newer.unread_mention_count : 0,
  };
}

/**
 * Return the state after a block of the user's, or its end. The row follows with an event.
 * @param {State} state
 * @param {import("../types.js").Block} block
 * @returns {State}
 */
export function setBlocked(state, { user_uuid, blocked_at }) {
  const groups = Object.values(state.groups).filter((group) => group.peer_uuid === user_uuid);
  const changed = groups.map((group) => [group.uuid, { ...group, blocked_at }]);
  return { ...state, groups: { ...state.groups, ...Object.fromEntries(changed) } };
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
    kept: state.kept.filter((each) => !gone.includes(each.group)),
  };
}

/**
 * Return the state with messages from the server. Pending messages with the same uuids have arrived.
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
  const isSystem = message.kind === "system"; // its row comes with it, and says what it counts for
  let next = setName(state, sender, message.display_name);
  if (!isSystem) {
    const marker = { user_uuid: sender, number, delivered_number: number };
    next = withoutTyping(applyMarkers(next, uuid, marker), uuid, sender);
  }
  const group = next.groups[uuid];
  if (group && !isSystem && number > group.last_number) {
    const read_number = sender === state.me.uuid ? number : group.read_number;
    const row = {
      ...group,
      read_number,
      last_number: number,
      unread_count: sender === state.me.uuid ? 0 : group.unread_count + number - group.last_number,
      unread_mention_count: number > read_number ? group.unread_mention_count : 0,
      message: message.expires_at ? "" : message.message,
      expires_at: message.expires_at,
      created_at: message.created_at,
      last_message_by: sender,
    };
    next = { ...next, groups: { ...next.groups, [uuid]: row } };
  }
  if (next.thread?.group !== uuid) return next;
  const [current = message] = withRecentChanges(next.thread, [message], state.me.uuid);
  return { ...next, thread: appendNext(next.thread, current, next.groups[uuid]?.cleared_number ?? 0) };
}

/**
 * Append a message that follows the window directly. After a gap it is loaded when it comes into view.
 * @param {Thread} thread
 * @param {Message} message
 * @param {number} cleared the number before the first message that is there for the user
 * @returns {Thread}
 */
function appendNext(thread, message, cleared) {
  const last = thread.messages.at(-1);
  if (thread.isLoading || message.number !== (last?.number ?? cleared) + 1) return thread;
  if (thread.messages.length >= MAX_WINDOW && !thread.isFollowing) return thread;
  return dropOldest({ ...thread, messages: [...thread.messages, message] });
}

/**
 * Prepend a page of older messages to the window and drop its newest ones.
 * @param {Thread} thread
 * @param {Message[]} page
 * @returns {Thread}
 */
export function prependOlder(thread, page) {
  const first = thread.messages[0]?.number ?? Infinity;
  const older = page.filter((message) => message.number < first);
  const atStart = page.length < PAGE_SIZE || older[0]?.number === 1;
  return { ...thread, isBusy: false, atStart, messages: [...older, ...thread.messages].slice(0, MAX_WINDOW) };
}

/**
 * Append a page of newer messages to the window and drop its oldest ones.
 * @param {Thread} thread
 * @param {Message[]} page
 * @returns {Thread}
 */
export function appendNewer(thread, page) {
  const last = thread.messages.at(-1)?.number ?? 0;
  const newer = page.filter((message) => message.number > last);
  return dropOldest({ ...thread, isBusy: false, messages: [...thread.messages, ...newer] });
}

/**
 * @param {Thread} thread
 * @returns {Thread}
 */
function dropOldest(thread) {
  const excess = thread.messages.length - MAX_WINDOW;
  return excess > 0 ? { ...thread, atStart: false, messages: thread.messages.slice(excess) } : thread;
}

/**
 * Return the state with the markers of a member of a group, which only move forward.
 * @param {State} state
 * @param {string} uuid
 * @param {import("../types.js").ReadMarker} marker
 * @returns {State}
 */
export function applyMarkers(state, uuid, { user_uuid: user, number, delivered_number }) {
  const of = state.markers[uuid] ?? {};
  const known = of[user] ?? { read: 0, delivered: 0 };
  if (known.read >= number && known.delivered >= delivered_number) return state;
  const moved = { read: Math.max(known.read, number), delivered: Math.max(known.delivered, delivered_number) };
  const next = { ...state, markers: { ...state.markers, [uuid]: { ...of, [user]: moved } } };
  const group = state.groups[uuid];
  if (user !== state.me.uuid || !group || group.read_number >= number) return next;
  const unread_count = Math.min(group.unread_count, Math.max(0, group.last_number - number));
  const unread_mention_count = unread_count > 0 ? group.unread_mention_count : 0;
  const read = { ...group, read_number: number, unread_count, unread_mention_count };
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
  const messages = state.thread?.messages.map((each) => withName(each, user.uuid, name));
  const thread = state.thread && messages ? { ...state.thread, messages } : state.thread;
  return renameMember({ ...state, me, groups, thread }, user);
}

/**
 * @param {Message} message
 * @param {string} user
 * @param {{display_name: string, handle: string | null}} name
 * @returns {Message}
 */
function withName(message, user, name) {
  const reply = message.reply?.user_uuid === user ? { ...message.reply, ...name } : message.reply;
  const users = message.event?.users.map((each) => (each.user_uuid === user ? { ...each, ...name } : each));
  const event = message.event && users ? { ...message.event, users } : message.event;
  return message.user_uuid === user ? { ...message, ...name, reply, event } : { ...message, reply, event };
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
  const users = { ...state.typing[event.message_group_uuid], [event.user_uuid]: now + TYPING_TTL };
  return { ...state, typing: { ...state.typing, [event.message_group_uuid]: users } };
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
 * Return the state without the typing that was not repeated in time.
 * @param {State} state
 * @param {number} now
 * @returns {State}
 */
export function expireTyping(state, now) {
  const entries = Object.entries(state.typing).flatMap(([group, users]) =>
    Object.entries(users).map(([user, until]) => ({ group, user, until })),
  );
  return entries
    .filter(({ until }) => until <= now)
    .reduce((next, { group, user }) => withoutTyping(next, group, user), state);
}
