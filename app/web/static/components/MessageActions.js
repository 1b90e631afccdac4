/** What the user does with the messages of a conversation: the menu, and what it offers. */

import { useMessenger } from "../lib/hooks.js";
import { groupPath } from "../lib/router.js";
import { html, useEffect, useState } from "../vendor/htm-preact.js";
import { MessageMenu } from "./MessageMenu.js";

const NOTICE_DURATION = 2500;

/** @typedef {import("../types.js").Message} Message */
/** @typedef {import("../types.js").Point} Point */
/** @typedef {{message: Message, at: Point}} Open */

/**
 * @typedef {object} Actions
 * @property {(message: Message) => void} onReply
 * @property {(message: Message, emoji: string) => void} onReact
 * @property {(message: Message, at: Point) => void} onMenu
 * @property {(uuid: string) => void} onDiscard
 */

/**
 * Return the actions, and what is open because of them.
 * @param {{messages: Message[], onReply: (message: Message) => void}} props
 * @returns {{actions: Actions, dialogs: import("../vendor/htm-preact.js").Child}}
 */
export function useMessageActions({ messages, onReply }) {
  const messenger = useMessenger();
  const [open, setOpen] = useState(/** @type {Open | null} */ (null));
  const [notice, announce] = useNotice();
  /** @type {Actions} */
  const actions = {
    onReply,
    onReact: (message, emoji) => {
      const isOwn = message.reactions.some((each) => each.me && each.emoji === emoji);
      if (!isOwn) messenger.emoji.add(emoji);
      messenger.outbox.change(message, isOwn ? "unreact" : "react", { emoji });
    },
    onMenu: (message, at) => setOpen({ message, at }),
    onDiscard: (uuid) => messenger.outbox.discard(uuid),
  };
  /** @type {(message: Message, action: import("../lib/actions.js").Action) => void} */
  const onAction = (message, action) => {
    if (action === "reply") onReply(message);
    else if (action === "copy") void copy(message.message, "Text copied", announce);
    else void copy(addressOf(message), "Link copied", announce);
  };
  const dialogs = html`
    ${open && html`<${OpenDialog} key=${open} ...${{ open, messages, actions, onAction }} onClose=${() => setOpen((now) => (now === open ? null : now))} />`}
    <p class="toast" role="status">${notice && html`<span>${notice}</span>`}</p>
  `;
  return { actions, dialogs };
}

/**
 * @param {{open: Open, messages: Message[], actions: Actions, onClose: () => void,
 *   onAction: (message: Message, action: import("../lib/actions.js").Action) => void}} props
 */
function OpenDialog({ open, messages, actions, onClose, onAction }) {
  const message = messages.find((each) => each.uuid === open.message.uuid) ?? open.message;
  return html`<${MessageMenu}
    ...${{ message, onClose, at: open.at }}
    onReact=${(/** @type {string} */ emoji) => actions.onReact(message, emoji)}
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
