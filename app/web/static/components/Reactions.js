/** The reactions under a message. A click adds the user's own or takes it back. */

import { html } from "../vendor/htm-preact.js";

/** @param {{reactions: import("../types.js").Message["reactions"], onReact: (emoji: string) => void}} props */
export function Reactions({ reactions, onReact }) {
  return html`
    <ul class="reactions" aria-label="Reactions">
      ${reactions.map(
        ({ emoji, count, me }) =>
          html`<li key=${emoji}>
            <button
              class="reaction"
              aria-pressed=${me ? "true" : "false"}
              aria-label=${`${emoji} ${count}${me ? ", you reacted" : ""}`}
              onClick=${() => onReact(emoji)}
            >
              <span class="emoji">${emoji}</span>${count > 1 && html`<span>${count}</span>`}
            </button>
          </li>`,
      )}
    </ul>
  `;
}
