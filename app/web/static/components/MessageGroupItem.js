/** A group in the inbox: the other user, the last message and its time, and the unread count. */

import { memo } from "../lib/hooks.js";
import { groupPath } from "../lib/router.js";
import { formatAgo, formatFullTime } from "../lib/time.js";
import { html } from "../vendor/htm-preact.js";
import { Avatar } from "./Avatar.js";
import { DELETED, EXPIRING } from "./MessageItem.js";

/** The most unread mentions that the service counts. */
const MOST_COUNTED = 20;

/**
 * @typedef {{group: import("../types.js").Group, me: string, now: number, isOpen: boolean, isTyping: boolean,
 *   draft: string, isReachable: boolean}} Props
 */

export const MessageGroupItem = memo(
  (/** @type {Props} */ { group, me, now, isOpen, isTyping, draft, isReachable }) => {
    const isUnread = group.unread_count > 0;
    return html`
    <li>
      <a
        class="group ${isUnread ? "unread" : ""}"
        href=${groupPath(group.uuid)}
        aria-current=${isOpen ? "page" : undefined}
        tabindex=${isReachable ? 0 : -1}
        data-group=${group.uuid}
      >
        <${Avatar} name=${group.display_name} handle=${group.handle} />
        <span class="group-text">
          <span class="group-head">
            <span class="name" dir="auto">${group.display_name}</span>
            <span class="handle">${group.handle && `@${group.handle}`}</span>
            <time datetime=${group.created_at} title=${formatFullTime(group.created_at)}
              >${formatAgo(group.created_at, now)}</time
            >
          </span>
          <span class="group-tail">
            ${
              isTyping
                ? html`<span class="preview is-typing">typing…</span>`
                : html`<span class="preview" dir="auto"
                    >${prefixOf(group, me, draft)}${draft || group.message || html`<em>${group.expires_at ? EXPIRING : DELETED}</em>`}</span
                  >`
            }
            ${group.unread_mention_count > 0 && html`<span class="badge mentions">@${group.unread_mention_count > 1 ? formatMentions(group.unread_mention_count) : ""}<span class="hidden"> unread mentions</span></span>`}
            ${isUnread && html`<span class="badge">${formatCount(group.unread_count)}<span class="hidden"> unread</span></span>`}
          </span>
        </span>
      </a>
    </li>
  `;
  },
);

/**
 * @param {import("../types.js").Group} group
 * @param {string} me
 * @param {string} draft
 */
function prefixOf(group, me, draft) {
  if (draft) return html`<span class="draft">Draft: </span>`;
  return group.last_message_by === me && html`<span class="you">You: </span>`;
}

/** @param {number} count */
function formatMentions(count) {
  return count < MOST_COUNTED ? String(count) : `${MOST_COUNTED}+`;
}

/** @param {number} count */
export function formatCount(count) {
  return count > 99 ? "99+" : String(count);
}
