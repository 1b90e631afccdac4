/** A conversation as rows: days, the line above what is new, and messages in clusters of one person. */

import { dayOf } from "./time.js";

const CLUSTER = 5 * 60_000;

/** @typedef {import("../types.js").Message} Message */
/** @typedef {import("../types.js").Pending} Pending */
/** @typedef {{kind: "day", key: string, at: string}} DayRow */
/** @typedef {{kind: "unread", key: string}} UnreadRow */
/** @typedef {{kind: "message", key: string, message: Message, isOwn: boolean, isFirst: boolean, isLast: boolean}} MessageRow */
/** @typedef {{kind: "pending", key: string, pending: Pending, isFirst: boolean, isLast: boolean}} PendingRow */
/** @typedef {DayRow | UnreadRow | MessageRow | PendingRow} Row */

/**
 * @param {Message[]} messages
 * @param {Pending[]} pending what comes after them
 * @param {string} me
 * @param {number | null} unreadFrom
 * @returns {Row[]}
 */
export function rowsOf(messages, pending, me, unreadFrom) {
  /** @type {Entry[]} */
  const entries = [
    ...messages.map((message) => ({
      message,
      user: message.user_uuid,
      at: message.created_at,
      line: message.number === unreadFrom,
    })),
    ...pending.map((each) => ({ pending: each, user: me, at: each.created_at, line: false })),
  ];
  return entries.flatMap((entry, index) => rowsAt(entry, entries[index - 1], entries[index + 1], me));
}

/** @typedef {{message?: Message, pending?: Pending, user: string, at: string, line: boolean}} Entry */

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
  if (!before || dayOf(before.at) !== dayOf(entry.at))
    rows.push({ kind: "day", key: `day ${dayOf(entry.at)}`, at: entry.at });
  if (entry.line) rows.push({ kind: "unread", key: "unread" });
  const place = { isFirst: entry.line || !belong(before, entry), isLast: after?.line || !belong(entry, after) };
  if (entry.message) {
    rows.push({ kind: "message", key: entry.message.uuid, message: entry.message, isOwn: entry.user === me, ...place });
  }
  if (entry.pending) rows.push({ kind: "pending", key: entry.pending.uuid, pending: entry.pending, ...place });
  return rows;
}

/**
 * @param {Entry | undefined} one
 * @param {Entry | undefined} next
 */
function belong(one, next) {
  if (!one || !next || one.user !== next.user || dayOf(one.at) !== dayOf(next.at)) return false;
  return Date.parse(next.at) - Date.parse(one.at) < CLUSTER;
}
