/** Dialogs about a message: deleting it, its earlier texts, and which members have reacted to it or read it. */

import { errorText } from "../lib/api.js";
import { useMessenger, useMessengerState } from "../lib/hooks.js";
import { formatFullTime } from "../lib/time.js";
import { html, useEffect, useState } from "../vendor/htm-preact.js";
import { Avatar } from "./Avatar.js";
import { closeDialog, Modal } from "./Modal.js";
import { Receipt } from "./Receipt.js";

/** @typedef {import("../types.js").Message} Message */

/** @type {Record<"delete" | "hide", {title: string, warning: string}>} */
const DELETIONS = {
  delete: {
    title: "Delete this message for everyone?",
    warning: "Its text, earlier texts and reactions are removed for all members, and cannot be brought back.",
  },
  hide: {
    title: "Delete this message for you?",
    warning: "It is no longer shown to you on any device, and cannot be brought back. Others still see it.",
  },
};

/** @param {{message: Message, kind: "delete" | "hide", onClose: () => void, onDelete: () => void}} props */
export function DeleteDialog({ message, kind, onClose, onDelete }) {
  const { title, warning } = DELETIONS[kind];
  /** @param {Event} event */
  const onConfirm = (event) => {
    onDelete();
    closeDialog(event.currentTarget);
  };
  return html`
    <${Modal} label=${title} kind="about-message" onClose=${onClose}>
      <h2>${title}</h2>
      ${message.message && html`<blockquote dir="auto">${message.message}</blockquote>`}
      <p>${warning}</p>
      <p class="dialog-buttons">
        <button class="quiet" onClick=${(/** @type {Event} */ event) => closeDialog(event.currentTarget)}>Cancel</button>
        <button class="primary danger" onClick=${onConfirm}>Delete</button>
      </p>
    <//>
  `;
}

/** @param {{message: Message, onClose: () => void}} props */
export function EditsDialog({ message, onClose }) {
  /** @type {Loaded<import("../types.js").Edit>} */
  const loaded = useLoaded(message, "edits");
  return html`
    <${Modal} label="Earlier texts" kind="about-message" onClose=${onClose}>
      <h2>Earlier texts</h2>
      <${Result} loaded=${loaded}>
        <ol class="edits">
          ${loaded.items.map(
            (edit) =>
              html`<li key=${edit.version}>
                <time datetime=${edit.created_at}>${formatFullTime(edit.created_at)}</time>
                <p class="text" dir="auto">${edit.message}</p>
              </li>`,
          )}
        </ol>
        ${loaded.items.length === 0 && html`<p>There are none.</p>`}
      <//>
      <${CloseButton} />
    <//>
  `;
}

/** @param {{message: Message, onClose: () => void}} props */
export function ReactionsDialog({ message, onClose }) {
  /** @type {Loaded<import("../types.js").ReactingUser>} */
  const loaded = useLoaded(message, "reactions");
  return html`
    <${Modal} label="Who reacted" kind="about-message" onClose=${onClose}>
      <h2>Who reacted</h2>
      <${Result} loaded=${loaded}>
        <ul class="reacting">
          ${loaded.items.map(
            (each) =>
              html`<li key=${each.user_uuid + each.emoji}>
                <${Avatar} name=${each.display_name} handle=${each.handle} size="small" />
                <span class="name" dir="auto">${each.display_name}</span>
                <span class="handle">${each.handle && `@${each.handle}`}</span>
                <span class="emoji">${each.emoji}</span>
              </li>`,
          )}
        </ul>
        ${loaded.items.length === 0 && html`<p>No reaction is left.</p>`}
      <//>
      <${CloseButton} />
    <//>
  `;
}

/** @param {{message: Message, onClose: () => void}} props */
export function ReceiptsDialog({ message, onClose }) {
  const { settings } = useMessengerState();
  /** @type {Loaded<import("../types.js").MessageReceipt>} */
  const loaded = useLoaded(message, "receipts");
  const nobody = settings?.receipts === false ? "You do not share read receipts, so you get none." : "Nobody yet.";
  return html`
    <${Modal} label="Read by" kind="about-message" onClose=${onClose}>
      <h2>Read by</h2>
      <${Result} loaded=${loaded}>
        <ul class="reacting">
          ${loaded.items.map(
            (each) =>
              html`<li key=${each.user_uuid}>
                <${Avatar} name=${each.display_name} handle=${each.handle} size="small" />
                <span class="name" dir="auto">${each.display_name}</span>
                <span class="handle">${each.handle && `@${each.handle}`}</span>
                <${Receipt} kind=${each.is_read ? "read" : "delivered"} />
              </li>`,
          )}
        </ul>
        ${loaded.items.length === 0 && html`<p>${nobody}</p>`}
      <//>
      <${CloseButton} />
    <//>
  `;
}

function CloseButton() {
  return html`<p class="dialog-buttons">
    <button class="quiet" onClick=${(/** @type {Event} */ event) => closeDialog(event.currentTarget)}>Close</button>
  </p>`;
}

/**
 * @template T
 * @typedef {{items: T[], isLoading: boolean, failure: string}} Loaded
 */

/** @param {{loaded: Loaded<unknown>, children?: import("../vendor/htm-preact.js").Child}} props */
function Result({ loaded, children }) {
  if (loaded.failure) return html`<p class="failure" role="alert">${loaded.failure}.</p>`;
  return loaded.isLoading ? html`<p role="status">Loading…</p>` : children;
}

/**
 * Return what the service lists of a message, again after each change of it.
 * @param {Message} message
 * @param {"edits" | "reactions" | "receipts"} what
 * @returns {Loaded<any>}
 */
function useLoaded(message, what) {
  const { api } = useMessenger();
  const [loaded, setLoaded] = useState(/** @type {Loaded<any>} */ ({ items: [], isLoading: true, failure: "" }));
  useEffect(() => {
    let isOver = false;
    const show = (/** @type {Loaded<any>} */ next) => !isOver && setLoaded(next);
    api.get(`/api/messages/${message.message_group_uuid}/${message.number}/${what}`).then(
      (items) => show({ items, isLoading: false, failure: "" }),
      (error) => show({ items: [], isLoading: false, failure: errorText(error) }),
    );
    return () => {
      isOver = true;
    };
  }, [message.uuid, message.change_number, api]);
  return loaded;
}
