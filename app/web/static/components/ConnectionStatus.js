/** A notice while events do not arrive. */

import { html } from "../vendor/htm-preact.js";

/** @type {Partial<Record<import("../types.js").Connection, string>>} */
const TEXTS = { reconnecting: "Reconnecting…", offline: "Offline" };

/** @param {{connection: import("../types.js").Connection}} props */
export function ConnectionStatus({ connection }) {
  const text = TEXTS[connection];
  return html`<p class="connection-status" role="status">${text && html`<span key=${connection}>${text}</span>`}</p>`;
}
