/** A change of a message that the service has refused, and what the user can do about it. */

import { html } from "../vendor/htm-preact.js";
import { Icon } from "./Icon.js";

const NOT_DONE = {
  edit: "Not changed.",
  delete: "Not deleted.",
  hide: "Not deleted.",
  react: "Reaction not added.",
  unreact: "Reaction not removed.",
};

/**
 * @param {{change: import("../types.js").PendingChange, canEdit: boolean, onEdit: (text: string) => void,
 *   onDiscard: () => void}} props
 */
export function ChangeFailure({ change, canEdit, onEdit, onDiscard }) {
  const text = change.text;
  return html`
    <div class="meta failure" role="alert">
      <${Icon} name="alert" /><span>${NOT_DONE[change.type]} ${change.refusal}.</span>
      ${text !== null && html`<blockquote dir="auto">${text}</blockquote>`}
      ${text !== null && canEdit && html`<button class="link" onClick=${() => onEdit(text)}>Edit again</button>`}
      <button class="link" onClick=${onDiscard}>Dismiss</button>
    </div>
  `;
}
