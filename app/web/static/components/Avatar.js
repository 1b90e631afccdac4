/** A user's initials on a colour that follows from the handle. They are drawn by the style sheet: no name has them. */

import { hueOf, initialsOf } from "../lib/text.js";
import { html } from "../vendor/htm-preact.js";

/** @param {{name: string, handle: string | null, size?: string, isOnline?: boolean}} props */
export function Avatar({ name, handle, size = "medium", isOnline = false }) {
  const style = { "--hue": String(hueOf(handle ?? name)) };
  return html`<span class="avatar ${size} ${isOnline ? "is-online" : ""}" style=${style} data-initials=${initialsOf(name)} aria-hidden="true"></span>`;
}
