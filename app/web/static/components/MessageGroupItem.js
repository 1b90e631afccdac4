/** A group in the inbox: the other user, the last message and its time, and the unread count. */

import { pointBelow } from "../lib/gestures.js";
import { isOfSeveral } from "../lib/groups/state.js";
import { memo } from "../lib/hooks.js";
import { groupPath } from "../lib/router.js";
import { isMuted, isUnread } from "../lib/selectors.js";
import { formatAgo, formatFullTime } from "../lib/time.js";
import { hasExpired } from "../lib/visibility.js";
import { html } from "../vendor/htm-preact.js";
import { GroupAvatar } from "./groups/GroupAvatar.js";
import { memberCount } from "./groups/GroupHead.js";
import { Icon } from "./Icon.js";
import { DELETED, EXPIRED, EXPIRING } from "./MessageItem.js";

/** The most unread mentions that the service counts. */
const MOST_COUNTED = 20;

/**
 * @typedef {{group: import("../types.js").Group, me: string, now: number, isOpen: boolean, isTyping: boolean,
 *   isOnline: boolean, draft: string, isReachable: boolean, sender: string,
 *   onMenu: (group: import("../types.js").Group, at: import("../types.js").Point) => void}} Props
 */

export const MessageGroupItem = memo(
  (/** @type {Props} */ { group, me, now, isOpen, isTyping, isOnline, draft, isReachable, sender, onMenu }) => {
    /** @param {MouseEvent} event from a pointer, or from a key, which has no place */
    const onContextMenu = (event) => {
      event.preventDefault();
      const { currentTarget: row, clientX: x, clientY: y } = event;
      onMenu(group, x || y || !(row instanceof Element) ? { x, y } : pointBelow(row));
    };
    return html`
    <li onContextMenu=${onContextMenu}>
      <a
        class="group ${isUnread(group) ? "unread" : ""} ${isMuted(group, now) ? "is-muted" : ""}"
        href=${groupPath(group.uuid)}
        aria-current=${isOpen ? "page" : undefined}
        tabindex=${isReachable ? 0 : -1}
        data-group=${group.uuid}
      >
        <${GroupAvatar} group=${group} isOnline=${isOnline} />
        <span class="group-text">
          <span class="group-head">
            <span class="name" dir="auto">${group.display_name}</span>
            <span class="handle">${isOfSeveral(group) ? memberCount(group.member_count) : group.handle && `@${group.handle}`}</span>
            ${isOnline && html`<span class="hidden">online</span>`}
            ${isMuted(group, now) && html`<${Mark} icon="muted" label="Muted" />`}
            ${group.pin_position !== null && html`<${Mark} icon="pin" label="Pinned" />`}
            <time datetime=${group.created_at} title=${formatFullTime(group.created_at)}
              >${formatAgo(group.created_at, now)}</time
            >
          </span>
          <span class="group-tail">
            ${
              isTyping
                ? html`<span class="preview is-typing">typing…</span>`
                : html`<span class="preview" dir="auto"
                    >${prefixOf(group, me, draft, sender)}${draft || group.message || html`<em>${withoutText(group)}</em>`}</span
                  >`
            }
            ${group.unread_mention_count > 0 && html`<span class="badge mentions">@${group.unread_mention_count > 1 ? formatMentions(group.unread_mention_count) : ""}<span class="hidden"> unread mentions</span></span>`}
            ${isUnread(group) && html`<${UnreadBadge} count=${group.unread_count} />`}
          </span>
        </span>
      </a>
      <button
        class="tool more"
        tabindex="-1"
        aria-label=${`Actions for ${group.display_name}`}
        aria-haspopup="menu"
        title="Actions"
        onClick=${(/** @type {{currentTarget: Element}} */ event) => onMenu(group, pointBelow(event.currentTarget))}
      >
        <${Icon} name="more" />
      </button>
    </li>
  `;
  },
);

/** @param {{icon: string, label: string}} props */
function Mark({ icon, label }) {
  return html`<span class="group-mark" title=${label}><${Icon} name=${icon} /><span class="hidden">${label}</span></span>`;
}

/** @param {{count: number}} props 0: of a group that is marked unread */
function UnreadBadge({ count }) {
  if (count === 0) return html`<span class="badge is-marked"><span class="hidden">Marked unread</span></span>`;
  return html`<span class="badge">${formatCount(count)}<span class="hidden"> unread</span></span>`;
}

/**
 * @param {import("../types.js").Group} group
 * @param {string} me
 * @param {string} draft
 * @param {string} sender
 */
function prefixOf(group, me, draft, sender) {
  if (draft) return html`<span class="draft">Draft: </span>`;
  if (sender) return html`<span class="you"><bdi>${sender}</bdi>: </span>`;
  return group.last_message_by === me && (group.message || !isOfSeveral(group)) && html`<span class="you">You: </span>`;
}

/**
 * Return what stands for a last message that has no text; in a group of several it may only tell of a change.
 * @param {import("../types.js").Group} group
 */
function withoutText(group) {
  if (group.expires_at) return hasExpired(group, Date.now()) ? EXPIRED : EXPIRING;
  return isOfSeveral(group) ? "No message to show" : DELETED;
}

/** @param {number} count */
function formatMentions(count) {
  return count < MOST_COUNTED ? String(count) : `${MOST_COUNTED}+`;
}

/** @param {number} count */
export function formatCount(count) {
  return count > 99 ? "99+" : String(count);
}
