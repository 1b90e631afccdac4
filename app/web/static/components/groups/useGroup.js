/** What a conversation shows of its group: the head, the group info, and its members. */

import { hasLeft, isOfSeveral, mentionable } from "../../lib/groups/state.js";
import { useMessenger } from "../../lib/hooks.js";
import { presenceOf } from "../../lib/presence.js";
import { isOnline } from "../../lib/selectors.js";
import { html, useEffect, useMemo, useState } from "../../vendor/htm-preact.js";
import { MessageGroupHead } from "../MessageGroupHead.js";
import { GroupHead } from "./GroupHead.js";
import { GroupInfo } from "./GroupInfo.js";

/**
 * @param {import("../../types.js").Group | undefined} group
 * @param {import("../../types.js").State} state
 */
export function useGroup(group, state) {
  const messenger = useMessenger();
  const [isOpen, setOpen] = useState(false);
  const uuid = group && isOfSeveral(group) && !hasLeft(group) ? group.uuid : null;
  const online = isOnline(state);
  useEffect(() => {
    if (uuid !== null && online) void messenger.members.load(uuid);
  }, [uuid, online, messenger]);
  const members = useMemo(
    () => mentionable(state, group),
    [state.members[uuid ?? ""], group?.peer_uuid, group?.display_name, group?.handle, state.me],
  );
  if (!group) return { head: html`<header class="conversation-head"></header>`, info: null, members };
  if (!isOfSeveral(group))
    return {
      head: html`<${MessageGroupHead} name=${group.display_name} handle=${group.handle} presence=${presenceOf(state, group)} />`,
      info: null,
      members,
    };
  return {
    head: html`<${GroupHead} group=${group} isOpen=${isOpen} onInfo=${() => setOpen(!isOpen)} />`,
    info: isOpen && html`<${GroupInfo} group=${group} onClose=${() => setOpen(false)} />`,
    members,
  };
}
