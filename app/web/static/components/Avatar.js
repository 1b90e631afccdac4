/** A user's initials on a colour that follows from the handle. */

import { hueOf, initialsOf } from "../lib/text.js";
import { html } from "../vendor/htm-preact.js";

/** @param {{name: string, handle: string | null, size?: string}} props */
export function Avatar({ name, handle, size = "medium" }) {
  const style = { "--hue": String(hueOf(handle ?? name)) };
  return html`<span class="avatar ${size}" style=${style} aria-hidden="true">${initialsOf(name)}</span>`;
}
