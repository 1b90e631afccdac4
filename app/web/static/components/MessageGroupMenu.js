/** The menu of a group in the inbox. */

import { errorText } from "../lib/api.js";
import { useMessenger } from "../lib/hooks.js";
import { isUnread } from "../lib/selectors.js";
import { html, useState } from "../vendor/htm-preact.js";
import { Icon } from "./Icon.js";
import { closeDialog, Modal } from "./Modal.js";

/** @param {{group: import("../types.js").Group, at: import("../types.js").Point, onClose: () => void}} props */
export function MessageGroupMenu({ group, at, onClose }) {
  const messenger = useMessenger();
  const [failure, setFailure] = useState("");
  const item = isUnread(group)
    ? { label: "Mark as read", icon: "check", act: () => messenger.markRead(group) }
    : { label: "Mark as unread", icon: "unread", act: () => messenger.markUnread(group.uuid, true) };
  /** @param {Event} event */
  const onClick = async ({ currentTarget }) => {
    try {
      await item.act();
      closeDialog(currentTarget);
    } catch (error) {
      setFailure(errorText(error));
    }
  };
  return html`
    <${Modal} label=${`Actions for ${group.display_name}`} kind="actions" at=${at} onClose=${onClose}>
      <div role="menu" aria-label="Conversation">
        <button role="menuitem" onClick=${onClick}><${Icon} name=${item.icon} />${item.label}</button>
      </div>
      ${failure && html`<p class="failure" role="alert">${failure}.</p>`}
    <//>
  `;
}
