/** What a group of several is: a column beside a conversation in a wide window, else a dialog. */

import { useEvent, useMessenger, useMessengerState } from "../../lib/hooks.js";
import { INBOX_PATH, navigate } from "../../lib/router.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../../vendor/htm-preact.js";
import { Icon } from "../Icon.js";
import { Modal } from "../Modal.js";
import { AddPeopleDialog } from "./AddPeople.js";
import { ConfirmDialog } from "./ConfirmDialog.js";
import { GroupAvatar } from "./GroupAvatar.js";
import { memberCount } from "./GroupHead.js";
import { GroupTitle } from "./GroupTitle.js";
import { MemberList } from "./MemberList.js";

/** @typedef {import("../../types.js").Group} Group */
/** @typedef {import("./ConfirmDialog.js").Question} Question */

const WIDE = matchMedia("(min-width: 70rem)");

/** @param {{group: Group, onClose: () => void}} props */
export function GroupInfo({ group, onClose }) {
  const [isWide, setWide] = useState(WIDE.matches);
  useEvent(WIDE, "change", () => setWide(WIDE.matches));
  if (!isWide)
    return html`<${Modal} label="Group info" kind="group-info" onClose=${onClose}><${Content} group=${group} onClose=${onClose} /><//>`;
  return html`<${Column} onClose=${onClose}><${Content} group=${group} onClose=${onClose} /><//>`;
}

/** @param {{onClose: () => void, children?: import("../../vendor/htm-preact.js").Child}} props */
function Column({ onClose, children }) {
  const column = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => {
    column.current?.querySelector("button")?.focus();
    return () => document.getElementById("group-info-button")?.focus();
  }, []);
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    event.preventDefault(); // the conversation stays open
    onClose();
  };
  return html`<aside class="group-info" aria-label="Group info" ref=${column} onKeyDown=${onKeyDown}>${children}</aside>`;
}

/** @param {{group: Group, onClose: () => void}} props */
function Content({ group, onClose }) {
  const messenger = useMessenger();
  const { members, me } = useMessengerState();
  const [question, setQuestion] = useState(/** @type {Question | null} */ (null));
  const [isAdding, setAdding] = useState(false);
  const isManager = group.role === "owner" || group.role === "admin";
  const all = members[group.uuid];
  useEffect(() => void messenger.members.load(group.uuid), [group.uuid, messenger]);
  return html`
    <header class="group-info-head">
      <h2>Group info</h2>
      <button class="round quiet" aria-label="Close group info" onClick=${onClose}><${Icon} name="close" /></button>
    </header>
    <div class="group-info-content">
      <${GroupAvatar} group=${group} size="large" />
      <${GroupTitle} group=${group} isManager=${isManager} />
      <div class="members-head">
        <h3>${memberCount(group.member_count)}</h3>
        ${isManager && html`<button class="quiet" onClick=${() => setAdding(true)}><${Icon} name="plus" />Add people</button>`}
      </div>
      ${all ? html`<${MemberList} ...${{ group, members: all, me: me.uuid, onQuestion: setQuestion }} />` : html`<p class="hint" role="status">Loading members…</p>`}
      <${History} group=${group} isManager=${isManager} onQuestion=${setQuestion} />
      <button class="quiet danger leave" onClick=${() => setQuestion(leaving(messenger, group, all ?? []))}>Leave group</button>
    </div>
    ${question && html`<${ConfirmDialog} ...${question} onClose=${() => setQuestion(null)} />`}
    ${isAdding && html`<${AddPeopleDialog} group=${group} members=${all ?? []} onClose=${() => setAdding(false)} />`}
  `;
}

/** @param {{group: Group, isManager: boolean, onQuestion: (question: Question) => void}} props */
function History({ group, isManager, onQuestion }) {
  const messenger = useMessenger();
  const isShown = group.shows_history === true;
  if (!isManager || isShown)
    return html`<p class="hint">${isShown ? "New members see all earlier messages." : "New members see messages from the time they join."}</p>`;
  /** @param {Event & {currentTarget: HTMLInputElement}} event */
  const onClick = (event) => {
    event.preventDefault(); // until the user confirms
    onQuestion({
      title: "Show the history to new members?",
      warning:
        "People who are added from now on, and those who joined before, see everything that was ever written here. This cannot be undone.",
      label: "Show the history",
      onConfirm: () => messenger.groups.change(group.uuid, { shows_history: true }),
    });
  };
  return html`<label class="check"><input type="checkbox" checked=${false} onClick=${onClick} /><span>New members see earlier messages</span></label>`;
}

/**
 * @param {import("../../lib/messenger.js").Messenger} messenger
 * @param {Group} group
 * @param {import("../../types.js").GroupMember[]} members
 * @returns {Question}
 */
function leaving(messenger, group, members) {
  const [heir] = members.filter((each) => each.role !== "owner"); // admins first, then the longest members
  const handsOver = group.role === "owner" && heir;
  return {
    title: `Leave ${group.display_name}?`,
    warning: html`
      You can no longer read what was written here, and get no new messages. The other members see that you have left.
      ${handsOver && html` <bdi>${heir.display_name}</bdi> becomes the owner.`} Only the owner or an admin can add you again.
    `,
    label: "Leave",
    isDanger: true,
    onConfirm: async () => {
      await messenger.groups.leave(group.uuid);
      navigate(INBOX_PATH);
    },
  };
}
