/** The page beside the inbox when no conversation is open. */

import { Logo } from "../components/Icon.js";
import { html } from "../vendor/htm-preact.js";

export function MessageGroupsPage() {
  return html`
    <div class="empty-state">
      <${Logo} />
      <h2>Pick up where you left off</h2>
      <p>Choose a conversation, or press${"\u00a0"}<kbd>/</kbd> and search for a person.</p>
    </div>
  `;
}
