/** The title of a group, which the owner and admins can change in its place. */

import { useMessenger } from "../../lib/hooks.js";
import { html, useState } from "../../vendor/htm-preact.js";
import { Icon } from "../Icon.js";
import { useCall } from "./ConfirmDialog.js";
import { TITLE_LENGTH } from "./NewGroup.js";

/** @param {{group: import("../../types.js").Group, isManager: boolean}} props */
export function GroupTitle({ group, isManager }) {
  const [isEditing, setEditing] = useState(false);
  if (isEditing) return html`<${TitleForm} group=${group} onClose=${() => setEditing(false)} />`;
  return html`
    <p class="group-title">
      <strong dir="auto">${group.display_name}</strong>
      ${isManager && html`<button class="round quiet" aria-label="Rename the group" title="Rename" onClick=${() => setEditing(true)}><${Icon} name="pencil" /></button>`}
    </p>
  `;
}

/** @param {{group: import("../../types.js").Group, onClose: () => void}} props */
function TitleForm({ group, onClose }) {
  const messenger = useMessenger();
  const { failure, isRunning, run } = useCall();
  /** @param {SubmitEvent & {currentTarget: HTMLFormElement}} event */
  const onSubmit = async (event) => {
    event.preventDefault();
    const title = String(new FormData(event.currentTarget).get("title")).trim();
    if (await run(() => messenger.groups.change(group.uuid, { title }))) onClose();
  };
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    onClose();
  };
  return html`
    <form class="title-form" onSubmit=${onSubmit} onKeyDown=${onKeyDown}>
      <label>
        Title
        <input name="title" required maxlength=${TITLE_LENGTH} pattern=".*\\S.*" autocomplete="off" dir="auto" autofocus ref=${focusOnce} value=${group.display_name} />
      </label>
      ${failure && html`<p class="failure" role="alert">${failure}.</p>`}
      <p class="dialog-buttons">
        <button type="button" class="quiet" onClick=${onClose}>Cancel</button>
        <button class="primary" disabled=${isRunning}>Save</button>
      </p>
    </form>
  `;
}

/** @param {HTMLInputElement | null} input */
function focusOnce(input) {
  if (input && document.activeElement !== input) input.focus();
}
