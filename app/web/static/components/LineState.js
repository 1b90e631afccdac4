/** How the page is connected, said calmly and only when it matters. */

import { html } from "../vendor/htm-preact.js";

/** @type {Record<string, string>} */
const SAID = { reconnecting: "Reconnecting…", offline: "Offline" };

/** @param {{line: import("../types.js").Line}} props */
export function LineState({ line }) {
  return html`<p class="line-state" role="status">${SAID[line] && html`<span key=${line}>${SAID[line]}</span>`}</p>`;
}
