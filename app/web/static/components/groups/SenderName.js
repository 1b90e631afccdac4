/** The name of the sender above the first of several messages, in the colour of the sender's avatar. */

import { hueOf } from "../../lib/text.js";
import { html } from "../../vendor/htm-preact.js";

/** @param {{name: string, handle: string | null}} props */
export function SenderName({ name, handle }) {
  const style = { "--hue": String(hueOf(handle ?? name)) };
  return html`<p class="sender" dir="auto" style=${style} title=${handle && `@${handle}`}>${name}</p>`;
}
