/** The inbox item of a conversation without messages. */

import { newGroupPath } from "../lib/router.js";
import { html } from "../vendor/htm-preact.js";
import { Avatar } from "./Avatar.js";

/** @param {{person: {handle: string, display_name: string}}} props */
export function MessageGroupNewItem({ person }) {
  return html`
    <li>
      <a class="group" href=${newGroupPath(person.handle)} aria-current="page" tabindex="0">
        <${Avatar} name=${person.display_name} handle=${person.handle} />
        <span class="group-text">
          <span class="group-head">
            <span class="name" dir="auto">${person.display_name}</span>
            <span class="handle">@${person.handle}</span>
          </span>
          <span class="group-tail"><span class="preview">New conversation</span></span>
        </span>
      </a>
    </li>
  `;
}
