/** The picture of a conversation: the other user, or the initials of a title on a rounded square. */

import { isOfSeveral } from "../../lib/groups/state.js";
import { hueOf, initialsOf } from "../../lib/text.js";
import { html } from "../../vendor/htm-preact.js";
import { Avatar } from "../Avatar.js";

/** @param {{group: import("../../types.js").Group, size?: string, isOnline?: boolean}} props isOnline: the other user */
export function GroupAvatar({ group, size = "medium", isOnline = false }) {
  const { display_name: name, handle, uuid } = group;
  if (!isOfSeveral(group)) return html`<${Avatar} ...${{ name, handle, size, isOnline }} />`;
  const style = { "--hue": String(hueOf(uuid)) };
  return html`<span class="avatar of-several ${size}" style=${style} data-initials=${initialsOf(name)} aria-hidden="true"></span>`;
}
