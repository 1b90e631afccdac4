/** What stands in the feed: messages, pending messages, day separators and the unread line. */

import { isOfSeveral } from "../lib/groups/state.js";
import { rowsOf } from "../lib/rows.js";
import { quotedBy } from "../lib/selectors.js";
import { hasEnded } from "../lib/visibility.js";
import { html } from "../vendor/htm-preact.js";
import { SystemMessage } from "./groups/SystemMessage.js";
import { DaySeparator, MessageItem, PendingItem, UnreadLine } from "./MessageItem.js";

/** Pending messages that are shown at most. */
const MAX_PENDING = 50;

/** @param {import("./MessageFeed.js").Props} props */
export function MessageRows(props) {
  const { thread, pending, me, afterWindow, now, messenger } = props;
  const waiting = afterWindow === 0 ? pending.slice(0, MAX_PENDING) : [];
  const receipt = receiptsOf(props);
  const days = messenger.config.message_retention_days;
  const shown = thread.messages.filter((message) => !message.is_hidden && !hasEnded(message, now, days));
  const unreadFrom = thread.unreadFrom;
  const isUnread = (/** @type {import("../types.js").Message} */ { number, kind }) =>
    unreadFrom !== null && number >= unreadFrom && kind !== "system";
  const firstUnread = shown.find(isUnread)?.number ?? null;
  return rowsOf(shown, waiting, me.uuid, firstUnread).map((row) => {
    if (row.kind === "day") return html`<${DaySeparator} key=${row.key} at=${row.at} now=${now} />`;
    if (row.kind === "unread") return html`<${UnreadLine} key=${row.key} />`;
    if (row.kind === "system") return html`<${SystemMessage} key=${row.key} message=${row.message} me=${me.uuid} />`;
    return row.kind === "pending" ? pendingRow(row, props) : messageRow(row, receipt(row.message), props);
  });
}

/**
 * Return what gives the receipt of a message: of the own ones the last that was read, the last delivered and the last.
 * @param {import("./MessageFeed.js").Props} props
 * @returns {(message: import("../types.js").Message) => import("./Receipt.js").ReceiptKind | null}
 */
function receiptsOf({ thread, me, others }) {
  const own = thread.messages.filter((message) => message.user_uuid === me.uuid && message.kind !== "system");
  const lastUpTo = (/** @type {number} */ end) => own.findLast((message) => message.number <= end)?.number;
  const last = { read: lastUpTo(others.read), delivered: lastUpTo(others.delivered), sent: lastUpTo(Infinity) };
  return ({ number }) => {
    if (number === last.read) return "read";
    if (number === last.delivered) return "delivered";
    return number === last.sent ? "sent" : null;
  };
}

/**
 * @param {import("../lib/rows.js").MessageRow} row
 * @param {import("./Receipt.js").ReceiptKind | null} receipt
 * @param {import("./MessageFeed.js").Props} props
 */
function messageRow(row, receipt, { thread, group, members, me, messenger, actions, pendingChanges, isOnline }) {
  const onJump = (/** @type {number} */ number) => void messenger.conversation.showMessage(number);
  const changes = pendingChanges.filter((each) => each.number === row.message.number);
  return html`<${MessageItem}
    key=${row.key}
    ...${row}
    ...${{ members, me: me.uuid, isNamed: isOfSeveral(group) && row.isFirst && !row.isOwn }}
    ...${{ receipt, onJump, actions, changes, isOnline, quoted: quotedBy(thread.messages, row.message) }}
  />`;
}

/**
 * @param {import("../lib/rows.js").PendingRow} row
 * @param {import("./MessageFeed.js").Props} props
 */
function pendingRow(row, { thread, messenger, isOnline }) {
  const onRetry = () => messenger.outbox.retry(row.pending.uuid);
  const onDiscard = () => messenger.outbox.discard(row.pending.uuid);
  return html`<${PendingItem}
    key=${row.key}
    ...${row}
    ...${{ isOnline, onRetry, onDiscard, quoted: quotedBy(thread.messages, row.pending) }}
  />`;
}
