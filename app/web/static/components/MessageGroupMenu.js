/** The menu of a group in the inbox: what the user alone sees of it. */

import { errorText } from "../lib/api.js";
import { useMessenger } from "../lib/hooks.js";
import { groupPath, INBOX_PATH, navigate } from "../lib/router.js";
import { isMuted, isRequest, isUnread } from "../lib/selectors.js";
import { html, useState } from "../vendor/htm-preact.js";
import { Icon } from "./Icon.js";
import { closeDialog, Modal } from "./Modal.js";

/** @typedef {import("../types.js").Group} Group */
/** @typedef {import("../lib/messenger.js").Messenger} Messenger */
/** @typedef {"mute" | "clear" | "leave"} Step what is asked before something is done */
/** @typedef {{label: string, icon: string, act?: () => Promise<void>, step?: Step, isDanger?: boolean}} Item */

const HOUR = 3_600_000;
/** How long a group can be muted, in milliseconds. */
const MUTES = [
  { label: "For 1 hour", time: HOUR },
  { label: "For 8 hours", time: 8 * HOUR },
  { label: "For 1 week", time: 7 * 24 * HOUR },
];
/** The end of a mute that does not end. */
const FOREVER = "9999-12-31T23:59:59.999Z";

const ACTIONS = { clear: "Clear", leave: "Leave" };
const CLEARING = "All messages until now are removed for you, on all your devices, and for nobody else.";

/** @param {{group: Group, at: import("../types.js").Point, onClose: () => void}} props */
export function MessageGroupMenu({ group, at, onClose }) {
  const messenger = useMessenger();
  const [step, setStep] = useState(/** @type {Step | null} */ (null));
  const [failure, setFailure] = useState("");
  /**
   * @param {Item} item
   * @param {Element} button
   */
  const choose = async (item, button) => {
    if (item.step) return setStep(item.step);
    const dialog = button.closest("dialog"); // the button goes when the group has changed
    try {
      await item.act?.();
      closeDialog(dialog);
    } catch (error) {
      setFailure(errorText(error));
    }
  };
  const items = step ? itemsOfStep(step, group, messenger) : itemsOf(group, messenger);
  return html`
    <${Modal} label=${`Actions for ${group.display_name}`} kind="actions" at=${at} onClose=${onClose}>
      ${step && step !== "mute" && html`<p class="menu-warning">${step === "clear" ? CLEARING : leavingOf(group)}</p>`}
      <div role="menu" aria-label="Conversation" key=${step ?? ""}>
        ${items.map(
          (item) => html`<button
            key=${item.label}
            role="menuitem"
            class=${item.isDanger ? "danger" : ""}
            onClick=${(/** @type {{currentTarget: Element}} */ { currentTarget }) => void choose(item, currentTarget)}
          ><${Icon} name=${item.icon} />${item.label}</button>`,
        )}
      </div>
      ${failure && html`<p class="failure" role="alert">${failure}.</p>`}
    <//>
  `;
}

/**
 * @param {Group} group
 * @param {Messenger} messenger
 * @returns {Item[]}
 */
function itemsOf(group, messenger) {
  const { uuid } = group;
  const change = (/** @type {import("../types.js").ViewUpdate} */ view) => () => messenger.changeView(uuid, view);
  const isPinned = group.pin_position !== null;
  const isArchived = group.folder === "archive";
  /** @type {(Item | false)[]} */
  const items = [
    isUnread(group)
      ? { label: "Mark as read", icon: "check", act: () => messenger.markRead(group) }
      : { label: "Mark as unread", icon: "unread", act: change({ is_marked_unread: true }) },
    group.folder === "inbox" && {
      label: isPinned ? "Unpin" : "Pin",
      icon: "pin",
      act: change({ pin_position: isPinned ? 0 : 1 }),
    },
    isMuted(group, Date.now())
      ? { label: "Unmute", icon: "bell", act: change({ muted_until: new Date(0).toISOString() }) }
      : { label: "Mute…", icon: "muted", step: "mute" },
    group.folder !== "requests" && {
      label: isArchived ? "Move to the inbox" : "Archive",
      icon: "archive",
      act: change({ is_archived: !isArchived }),
    },
    group.cleared_number < group.last_number && { label: "Clear…", icon: "trash", step: "clear" },
    { label: "Leave…", icon: "signOut", step: "leave", isDanger: true },
  ];
  return items.filter((item) => item !== false);
}

/**
 * @param {Step} step
 * @param {Group} group
 * @param {Messenger} messenger
 * @returns {Item[]}
 */
function itemsOfStep(step, { uuid, last_number }, messenger) {
  const mute = (/** @type {string} */ until) => () => messenger.changeView(uuid, { muted_until: until });
  if (step === "mute") {
    const until = (/** @type {number} */ time) => new Date(Date.now() + time).toISOString();
    const limited = MUTES.map(({ label, time }) => ({ label, icon: "clock", act: () => mute(until(time))() }));
    return [...limited, { label: "Until I unmute it", icon: "muted", act: mute(FOREVER) }];
  }
  const act =
    step === "clear" ? () => messenger.changeView(uuid, { cleared_number: last_number }) : () => leave(messenger, uuid);
  return [{ label: ACTIONS[step], icon: step === "clear" ? "trash" : "signOut", act, isDanger: true }];
}

/**
 * Return what it means to leave a group: only a conversation of two that is no request comes back.
 * @param {Group} group
 */
function leavingOf(group) {
  if (isRequest(group)) return "The request leaves your list, and does not come back.";
  if (group.kind === "direct") return "The conversation leaves your list, and comes back with the next message.";
  const heir = group.role === "owner" ? " Another member becomes the owner." : "";
  return `The group leaves your list, and does not come back unless its owner or an admin adds you again.${heir}`;
}

/**
 * @param {Messenger} messenger
 * @param {string} group
 */
async function leave(messenger, group) {
  await messenger.leave(group);
  if (location.pathname.startsWith(groupPath(group))) navigate(INBOX_PATH, { replace: true });
}
