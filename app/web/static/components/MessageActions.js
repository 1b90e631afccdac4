/** What the user does with the messages of a conversation: the menu, editing, and dialogs. */

import { actionsOf } from "../lib/actions.js";
import { useMessenger } from "../lib/hooks.js";
import { groupPath } from "../lib/router.js";
import { html, useEffect, useState } from "../vendor/htm-preact.js";
import { EmojiPicker } from "./EmojiPicker.js";
import { DeleteDialog, EditsDialog, ReactionsDialog, ReceiptsDialog } from "./MessageDialogs.js";
import { MessageMenu } from "./MessageMenu.js";
import { ReportDialog } from "./ReportDialog.js";

const NOTICE_DURATION = 2500;

/** @typedef {import("../types.js").Message} Message */
/** @typedef {import("../types.js").Point} Point */
/** @typedef {{number: number, version: number, text: string}} Editing */
/** @typedef {{kind: string, message: Message, at: Point}} Open */

/**
 * @typedef {object} Actions
 * @property {Editing | null} editing the message that is edited
 * @property {(message: Message) => void} onReply
 * @property {(message: Message, emoji: string) => void} onReact
 * @property {(message: Message, at: Point) => void} onMenu
 * @property {(message: Message) => boolean} canEdit
 * @property {(message: Message, text?: string) => void} onEdit
 * @property {(message: Message, text: string, mentions: string[]) => void} onSave
 * @property {(message: Message) => void} onCancel
 * @property {(message: Message) => void} onShowEdits
 * @property {(uuid: string) => void} onDiscard
 */

/**
 * Return the actions, and what is open because of them.
 * @param {{me: import("../types.js").Me, messages: Message[], onReply: (message: Message) => void}} props
 * @returns {{actions: Actions, dialogs: import("../vendor/htm-preact.js").Child}}
 */
export function useMessageActions({ me, messages, onReply }) {
  const messenger = useMessenger();
  const [open, setOpen] = useState(/** @type {Open | null} */ (null));
  const [editing, setEditing] = useState(/** @type {Editing | null} */ (null));
  const [notice, announce] = useNotice();
  const show = (/** @type {string} */ kind, /** @type {Message} */ message, at = { x: 0, y: 0 }) =>
    setOpen({ kind, message, at });
  /** @type {Actions["onEdit"]} */
  const onEdit = ({ number, version, message }, text = message) => setEditing({ number, version, text });
  const endEditing = (/** @type {Message} */ message) => {
    setEditing(null);
    focusMessage(message.number);
  };
  /** @type {Actions} */
  const actions = {
    editing,
    onReply,
    onReact: (message, emoji) => {
      const isOwn = message.reactions.some((each) => each.me && each.emoji === emoji);
      if (!isOwn) messenger.emoji.add(emoji);
      messenger.outbox.change(message, isOwn ? "unreact" : "react", { emoji });
    },
    onMenu: (message, at) => show("menu", message, at),
    canEdit: (message) => actionsOf(message, me.uuid, messenger.config, Date.now()).includes("edit"),
    onEdit,
    onSave: (message, text, mentions) => {
      const version = editing?.version ?? message.version;
      if (text !== message.message) messenger.outbox.change(message, "edit", { text, version, mentions });
      endEditing(message);
    },
    onCancel: endEditing,
    onShowEdits: (message) => show("edits", message),
    onDiscard: (uuid) => messenger.outbox.discard(uuid),
  };
  /** @type {(message: Message, action: import("../lib/actions.js").Action) => void} */
  const onAction = (message, action) => {
    if (action === "reply") onReply(message);
    else if (action === "edit") onEdit(message);
    else if (action === "copy") void copy(message.message, "Text copied", announce);
    else if (action === "link") void copy(addressOf(message), "Link copied", announce);
    else show(action, message);
  };
  const dialogs = html`
    ${open && html`<${OpenDialog} key=${open} ...${{ open, messages, actions, onAction, me, show }} onClose=${() => setOpen((now) => (now === open ? null : now))} />`}
    <p class="toast" role="status">${notice && html`<span>${notice}</span>`}</p>
  `;
  return { actions, dialogs };
}

/**
 * @param {{open: Open, messages: Message[], actions: Actions, me: import("../types.js").Me, onClose: () => void,
 *   onAction: (message: Message, action: import("../lib/actions.js").Action) => void,
 *   show: (kind: string, message: Message, at: Point) => void}} props
 */
function OpenDialog({ open, messages, actions, me, onClose, onAction, show }) {
  const { outbox } = useMessenger();
  const message = messages.find((each) => each.uuid === open.message.uuid) ?? open.message;
  const { kind, at } = open;
  const onReact = (/** @type {string} */ emoji) => actions.onReact(message, emoji);
  if (kind === "picker") return html`<${EmojiPicker} ...${{ at, onClose }} onPick=${onReact} />`;
  if (kind === "edits") return html`<${EditsDialog} ...${{ message, onClose }} />`;
  if (kind === "receipts") return html`<${ReceiptsDialog} ...${{ message, onClose }} />`;
  if (kind === "reactions") return html`<${ReactionsDialog} ...${{ message, onClose }} />`;
  if (kind === "delete" || kind === "hide")
    return html`<${DeleteDialog} ...${{ message, kind, onClose }} onDelete=${() => outbox.change(message, kind)} />`;
  if (kind === "report") {
    const target = { message_group_uuid: message.message_group_uuid, number: message.number };
    return html`<${ReportDialog} ...${{ target, onClose }} name=${message.display_name} text=${message.message} />`;
  }
  return html`<${MessageMenu}
    ...${{ message, onClose, onReact, at, me: me.uuid }}
    onPicker=${() => show("picker", message, at)}
    onAction=${(/** @type {import("../lib/actions.js").Action} */ action) => onAction(message, action)}
  />`;
}

/** @returns {[string, (notice: string) => void]} a text that is shown for a moment, and what shows one */
function useNotice() {
  const [notice, setNotice] = useState({ text: "" });
  useEffect(() => {
    if (!notice.text) return;
    const timer = setTimeout(() => setNotice({ text: "" }), NOTICE_DURATION);
    return () => clearTimeout(timer);
  }, [notice]);
  return [notice.text, (text) => setNotice({ text })];
}

/**
 * @param {string} text
 * @param {string} done
 * @param {(notice: string) => void} announce
 */
async function copy(text, done, announce) {
  try {
    await navigator.clipboard.writeText(text);
    announce(done);
  } catch {
    announce("The browser did not allow copying"); // only pages with TLS have a clipboard
  }
}

/** @param {Message} message */
function addressOf({ message_group_uuid, number }) {
  return location.origin + groupPath(message_group_uuid, number);
}

/** @param {number} number */
function focusMessage(number) {
  const element = document.querySelector(`[data-number="${number}"]`);
  if (element instanceof HTMLElement) element.focus();
}
