/** The head of a group of several: its title, how many members it has, and the button of the group info. */

import { INBOX_PATH } from "../../lib/router.js";
import { html } from "../../vendor/htm-preact.js";
import { Icon } from "../Icon.js";
import { GroupAvatar } from "./GroupAvatar.js";

/** @param {{group: import("../../types.js").Group, isOpen: boolean, onInfo: () => void}} props isOpen: of the info */
export function GroupHead({ group, isOpen, onInfo }) {
  return html`
    <header class="conversation-head">
      <a class="back round quiet" href=${INBOX_PATH} aria-label="Back to all conversations"><${Icon} name="back" /></a>
      <${GroupAvatar} group=${group} />
      <div class="conversation-title" onClick=${onInfo}>
        <h1 dir="auto">${group.display_name}</h1>
        <p class="handle">${memberCount(group.member_count)}</p>
      </div>
      <button class="round quiet info-button" id="group-info-button" aria-label="Group info" title="Group info" aria-expanded=${isOpen ? "true" : "false"} onClick=${onInfo}>
        <${Icon} name="info" />
      </button>
    </header>
  `;
}

/** @param {number} count */
export function memberCount(count) {
  return count === 1 ? "1 member" : `${count} members`;
}
