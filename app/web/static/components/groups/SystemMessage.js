/** A quiet line of the feed that tells what a member has done to the group. */

import { systemParts } from "../../lib/groups/systemMessages.js";
import { formatFullTime } from "../../lib/time.js";
import { html } from "../../vendor/htm-preact.js";

/** @param {{message: import("../../types.js").Message, me: string}} props */
export function SystemMessage({ message, me }) {
  return html`
    <p class="system-message" data-number=${message.number} tabindex="-1" title=${formatFullTime(message.created_at)}>
      ${systemParts(message, me).map((part) => (typeof part === "string" ? part : html`<bdi>${part.name}</bdi>`))}
    </p>
  `;
}
