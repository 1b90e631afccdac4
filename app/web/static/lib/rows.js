/** The rows of a conversation: day separators, the unread line, and messages in clusters of one sender. */

import { dayKey } from "./time.js";

/** Milliseconds between two messages that still stand together. */
const MAX_CLUSTER_GAP = 5 * 60_000;

/** @typedef {import("../types.js").Message} Message */
/** @typedef {import("../types.js").Pending} Pending */
/** @typedef {{kind: "day", key: string, at: string}} DayRow */
/** @typedef {{kind: "unread", key: string}} UnreadRow */
/** @typedef {{kind: "message", key: string, message: Message, isOwn: boolean, isFirst: boolean, isLast: boolean}} MessageRow */
/** @typedef {{kind: "pending", key: string, pending: Pending, isFirst: boolean, isLast: boolean}} PendingRow */
/** @typedef {{kind: "system", key: string, message: Message}} SystemRow */
/** @typedef {DayRow | UnreadRow | MessageRow | PendingRow | SystemRow} Row */

/**
 * @param {Message[]} messages
 * @param {Pending[]} pending shown after them
 * @param {string} me
 * @param {number | null} unreadFrom
 * @returns {Row[]}
 */
export function rowsOf(messages, pending, me, unreadFrom) {
  /** @type {Entry[]} */
  const entries = [
    ...messages.map((message) => ({
      message,
      user: message.kind === "system" ? "" : message.user_uuid, // it stands in no cluster
      at: message.created_at,
      isFirstUnread: message.number === unreadFrom,
    })),
    ...pending.map((each) => ({ pending: each, user: me, at: each.created_at, isFirstUnread: false })),
  ];
  return entries.flatMap((entry, index) => rowsAt(entry, entries[index - 1], entries[index + 1], me));
}

/** @typedef {{message?: Message, pending?: Pending, user: string, at: string, isFirstUnread: boolean}} Entry */

/**
 * @param {Entry} entry
 * @param {Entry | undefined} before
 * @param {Entry | undefined} after
 * @param {string} me
 * @returns {Row[]}
 */
function rowsAt(entry, before, after, me) {
  /** @type {Row[]} */
  const rows = [];
  if (!before || dayKey(before.at) !== dayKey(entry.at))
    rows.push({ kind: "day", key: `day ${dayKey(entry.at)}`, at: entry.at });
  if (entry.isFirstUnread) rows.push({ kind: "unread", key: "unread" });
  const position = {
    isFirst: entry.isFirstUnread || !inOneCluster(before, entry),
    isLast: after?.isFirstUnread || !inOneCluster(entry, after),
  };
  if (entry.message?.kind === "system") rows.push({ kind: "system", key: entry.message.uuid, message: entry.message });
  else if (entry.message) {
    rows.push({
      kind: "message",
      key: entry.message.uuid,
      message: entry.message,
      isOwn: entry.user === me,
      ...position,
    });
  }
  if (entry.pending) rows.push({ kind: "pending", key: entry.pending.uuid, pending: entry.pending, ...position });
  return rows;
}

/**
 * Return whether two entries are of one sender, on one day, and close in time.
 * @param {Entry | undefined} first
 * @param {Entry | undefined} next
 */
function inOneCluster(first, next) {
  if (!first || !next || first.user !== next.user || dayKey(first.at) !== dayKey(next.at)) return false;
  return Date.parse(next.at) - Date.parse(first.at) < MAX_CLUSTER_GAP;
}
