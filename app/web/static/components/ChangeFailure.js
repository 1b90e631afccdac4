/** A change of a message that the service has refused, and what the user can do about it. */

import { html } from "../vendor/htm-preact.js";
import { Icon } from "./Icon.js";

const NOT_DONE = {
  edit: "Not changed.",
  delete: "Not deleted.",
  react: "Reaction not added.",
  unreact: "Reaction not removed.",
};

/** @param {{change: import("../types.js").PendingChange, onDiscard: () => void}} props */
export function ChangeFailure({ change, onDiscard }) {
  const text = change.text;
  return html`
    <div class="meta failure" role="alert">
      <${Icon} name="alert" /><span>${NOT_DONE[change.type]} ${change.refusal}.</span>
      ${text !== null && html`<blockquote dir="auto">${text}</blockquote>`}
      <button class="link" onClick=${onDiscard}>Dismiss</button>
    </div>
  `;
}
