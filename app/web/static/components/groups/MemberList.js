/** The members of a group, with what this user may do with each. */

import { pointBelow } from "../../lib/gestures.js";
import { useMessenger } from "../../lib/hooks.js";
import { navigate, newGroupPath } from "../../lib/router.js";
import { html, useState } from "../../vendor/htm-preact.js";
import { Avatar } from "../Avatar.js";
import { Icon } from "../Icon.js";
import { closeDialog, Modal } from "../Modal.js";
import { PersonButton } from "../PersonCard.js";
import { useCall } from "./ConfirmDialog.js";

/** @typedef {import("../../types.js").GroupMember} Member */
/** @typedef {import("../../types.js").Group} Group */
/** @typedef {import("./ConfirmDialog.js").Question} Question */
/**
 * @typedef {{label: string, icon: string, isDanger?: boolean, act?: () => Promise<unknown>, ask?: Question,
 *   next?: () => void}} Action next: what follows once the menu is closed
 */

const ROLES = { owner: "Owner", admin: "Admin", member: "" };

/**
 * @param {{group: Group, members: Member[], me: string, onQuestion: (question: Question) => void}} props
 */
export function MemberList({ group, members, me, onQuestion }) {
  const [open, setOpen] = useState(/** @type {{member: Member, at: import("../../types.js").Point} | null} */ (null));
  return html`
    <ul class="members" aria-label="Members">
      ${members.map(
        (member) =>
          html`<li key=${member.user_uuid}>
            <${PersonButton} name=${member.display_name} handle=${member.handle}><${Avatar} name=${member.display_name} handle=${member.handle} size="small" /><//>
            <span class="member-names">
              <span class="name" dir="auto">${member.display_name}</span>
              <span class="handle">${member.user_uuid === me ? "You" : member.handle ? `@${member.handle}` : "Deleted account"}</span>
            </span>
            ${ROLES[member.role] && html`<span class="role">${ROLES[member.role]}</span>`}
            ${
              member.user_uuid !== me &&
              html`<button class="round quiet" aria-label=${`Actions for ${member.display_name}`} aria-haspopup="menu" onClick=${(
                /** @type {{currentTarget: Element}} */ event,
              ) => setOpen({ member, at: pointBelow(event.currentTarget) })}><${Icon} name="more" /></button>`
            }
          </li>`,
      )}
    </ul>
    ${open && html`<${MemberMenu} key=${open} ...${{ group, ...open, onQuestion }} onClose=${() => setOpen((now) => (now === open ? null : now))} />`}
  `;
}

/**
 * @param {{group: Group, member: Member, at: import("../../types.js").Point, onQuestion: (question: Question) => void,
 *   onClose: () => void}} props
 */
function MemberMenu({ group, member, at, onQuestion, onClose }) {
  const messenger = useMessenger();
  const { failure, isRunning, run } = useCall();
  /** @param {EventTarget | null} button @param {Action} action */
  const choose = async (button, { act, ask, next }) => {
    if (act && !(await run(act))) return;
    closeDialog(button);
    if (ask) onQuestion(ask);
    next?.();
  };
  return html`
    <${Modal} label=${`Actions for ${member.display_name}`} kind="actions" at=${at} onClose=${onClose}>
      <div role="menu" aria-label="Member" onKeyDown=${moveFocus}>
        ${actionsOn(messenger, group, member).map(
          (action) =>
            html`<button
              key=${action.label}
              role="menuitem"
              class=${action.isDanger ? "danger" : ""}
              disabled=${isRunning}
              onClick=${(/** @type {Event} */ event) => choose(event.currentTarget, action)}
            >
              <${Icon} name=${action.icon} />${action.label}
            </button>`,
        )}
      </div>
      ${failure && html`<p class="failure" role="alert">${failure}.</p>`}
    <//>
  `;
}

/**
 * Return what this user may do with another member, by the rules of the service.
 * @param {import("../../lib/messenger.js").Messenger} messenger
 * @param {Group} group
 * @param {Member} member
 * @returns {Action[]}
 */
function actionsOn({ groups }, group, member) {
  const { user_uuid: user, display_name: name, handle, role } = member;
  const isOwner = group.role === "owner";
  const mayRemove = isOwner || (group.role === "admin" && role === "member");
  /** @type {Question} */
  const handOver = {
    title: `Make ${name} the owner?`,
    warning:
      "You become an admin. Only the owner can change the roles of members, and only the new owner can make you the owner again.",
    label: "Make owner",
    onConfirm: () => groups.setRole(group.uuid, user, "owner"),
  };
  /** @type {Question} */
  const removal = {
    title: `Remove ${name}?`,
    warning: "They can no longer read or write here. The other members see that you have removed them.",
    label: "Remove",
    isDanger: true,
    onConfirm: () => groups.remove(group.uuid, user),
  };
  const other = role === "admin" ? "member" : "admin";
  /** @type {[boolean, Action][]} */
  const actions = [
    [handle !== null, { label: "Message", icon: "send", next: () => navigate(newGroupPath(handle ?? "")) }],
    [
      isOwner && role !== "owner",
      {
        label: other === "admin" ? "Make admin" : "Make member",
        icon: "shield",
        act: () => groups.setRole(group.uuid, user, other),
      },
    ],
    [isOwner && role !== "owner", { label: "Make owner…", icon: "crown", ask: handOver }],
    [mayRemove, { label: "Remove…", icon: "trash", isDanger: true, ask: removal }],
  ];
  return actions.filter(([isAllowed]) => isAllowed).map(([, action]) => action);
}

/** @param {KeyboardEvent & {currentTarget: HTMLElement}} event */
function moveFocus(event) {
  const items = [...event.currentTarget.querySelectorAll("button")];
  const at = items.findIndex((item) => item.contains(document.activeElement));
  /** @type {Record<string, number>} */
  const targets = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
  const target = targets[event.key];
  if (target === undefined) return;
  items[(target + items.length) % items.length]?.focus();
  event.preventDefault();
}
