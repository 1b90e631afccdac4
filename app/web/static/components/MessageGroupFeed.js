/** The inbox, the requests and the archive: conversations, newest activity first. */

import { senderOf } from "../lib/groups/state.js";
import { useEvent, useMessenger, useMessengerState, useNow } from "../lib/hooks.js";
import { isPeerOnline } from "../lib/presence.js";
import { folderOf, isTyping, isUnread } from "../lib/selectors.js";
import { html, useEffect, useMemo, useRef, useState } from "../vendor/htm-preact.js";
import { AccountMenu } from "./AccountMenu.js";
import { ConnectionStatus } from "./ConnectionStatus.js";
import { NewGroupButton } from "./groups/NewGroup.js";
import { formatCount, MessageGroupItem } from "./MessageGroupItem.js";
import { MessageGroupMenu } from "./MessageGroupMenu.js";
import { MessageGroupNewItem } from "./MessageGroupNewItem.js";
import { PersonSearch } from "./PersonSearch.js";

/** @typedef {import("../types.js").Group} Group */
/** @typedef {import("../types.js").Point} Point */

/** Pixels before the end at which the next page is loaded. */
const LOAD_DISTANCE = 400;
/** @type {{name: import("../types.js").Folder, label: string}[]} */
const FOLDERS = [
  { name: "inbox", label: "Inbox" },
  { name: "requests", label: "Requests" },
  { name: "archive", label: "Archive" },
];

/** @param {{open: string | null, newPerson: {handle: string, display_name: string} | null}} props */
export function MessageGroupFeed({ open, newPerson }) {
  const messenger = useMessenger();
  const state = useMessengerState();
  const requests = folderOf(state.groups, "requests");
  const isRequestOpen = requests.some((group) => group.uuid === open);
  useEffect(() => {
    if (isRequestOpen) messenger.inbox.show("requests");
  }, [open, isRequestOpen, messenger]);
  const folder = state.folder === "requests" && requests.length === 0 ? "inbox" : state.folder;
  return html`
    <header class="inbox-head">
      <h1>Messages</h1>
      <${ConnectionStatus} connection=${state.connection} />
      <${NewGroupButton} />
      <${AccountMenu} me=${state.me} />
    </header>
    <${PersonSearch} />
    <${FolderTabs} folder=${folder} requests=${requests} />
    <${Groups} ...${{ state, open, folder }} newPerson=${folder === "inbox" ? newPerson : null} />
  `;
}

/** @param {{state: import("../types.js").State, open: string | null, folder: import("../types.js").Folder,
 *   newPerson: {handle: string, display_name: string} | null}} props */
function Groups({ state, open, folder, newPerson }) {
  const messenger = useMessenger();
  if (!state.hasInbox && state.inboxFailure) {
    return html`
      <div class="notice" role="alert">
        <p>Your conversations could not be loaded.</p>
        <button class="quiet" onClick=${() => messenger.inbox.retryNow()}>Try again</button>
      </div>
    `;
  }
  if (!state.hasInbox) return html`<${Skeleton} />`;
  const groups = folderOf(state.groups, folder);
  if (groups.length === 0 && !newPerson && state.nextPages[folder] === null)
    return html`<${EmptyFolder} folder=${folder} />`;
  return html`<${GroupList} ...${{ state, groups, open, folder, newPerson }} />`;
}

/** @param {{folder: import("../types.js").Folder, requests: Group[]}} props */
function FolderTabs({ folder, requests }) {
  const messenger = useMessenger();
  const shown = FOLDERS.filter(({ name }) => name !== "requests" || requests.length > 0);
  return html`
    <div class="folders" role="group" aria-label="Folders">
      ${shown.map(
        ({ name, label }) => html`<button
          key=${name}
          aria-pressed=${name === folder}
          onClick=${() => messenger.inbox.show(name)}
        >${label} ${name === "requests" && html`<${RequestCount} requests=${requests} />`}</button>`,
      )}
    </div>
  `;
}

/** @param {{requests: Group[]}} props */
function RequestCount({ requests }) {
  const isRead = !requests.some(isUnread);
  return html`<span class="badge ${isRead ? "is-read" : ""}">${formatCount(requests.length)}</span>`;
}

/** @param {{folder: import("../types.js").Folder}} props */
function EmptyFolder({ folder }) {
  if (folder === "archive") return html`<div class="notice"><p>Nothing is archived.</p></div>`;
  return html`<div class="notice">
    <p>You have no conversations yet.</p>
    <p>Find a person above and say hello.</p>
  </div>`;
}

/**
 * The list has one tab stop; the arrow keys move the focus within it.
 * @param {{state: import("../types.js").State, groups: import("../types.js").Group[], open: string | null,
 *   folder: import("../types.js").Folder, newPerson: {handle: string, display_name: string} | null}} props
 */
function GroupList({ state, groups, open, folder, newPerson }) {
  const messenger = useMessenger();
  const { shown, onPointerDown } = useSteadyOrder(groups);
  const now = useNow();
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const [menu, setMenu] = useState(/** @type {{uuid: string, at: import("../types.js").Point} | null} */ (null));
  const onMenu = useMemo(
    () =>
      (/** @type {Group} */ { uuid }, /** @type {Point} */ at) =>
        setMenu({ uuid, at }),
    [],
  );
  const ofMenu = menu && state.groups[menu.uuid];
  const [focused, setFocused] = useState(/** @type {string | null} */ (null));
  const more = state.nextPages[folder];
  const reachable = [focused, open].find((uuid) => groups.some((group) => group.uuid === uuid)) ?? groups[0]?.uuid;

  /** @param {FocusEvent} event */
  const onFocus = (event) => {
    const link = event.target instanceof Element ? event.target.closest("[data-group]") : null;
    if (link instanceof HTMLElement) setFocused(link.dataset.group ?? null);
  };
  const loadNearEnd = () => {
    const box = list.current;
    const isShown = box !== null && box.clientHeight > 0;
    if (isShown && box.scrollHeight - box.scrollTop - box.clientHeight < LOAD_DISTANCE) void messenger.inbox.loadMore();
  };
  useEffect(loadNearEnd, [more, groups.length, open, folder]); // a page may bring nothing new, and so nothing to scroll
  return html`
    <nav class="groups" aria-label="Conversations" ref=${list} onScroll=${loadNearEnd}>
      <ul role="list" onKeyDown=${moveFocus} onfocusin=${onFocus} onPointerDown=${onPointerDown}>
        ${newPerson && html`<${MessageGroupNewItem} key="new" person=${newPerson} />`}
        ${shown.map(
          (group) =>
            html`<${MessageGroupItem}
              key=${group.uuid}
              group=${group}
              me=${state.me.uuid}
              now=${now}
              isOpen=${group.uuid === open}
              isTyping=${isTyping(state, group.uuid)}
              sender=${senderOf(state, group)}
              isOnline=${isPeerOnline(state, group)}
              draft=${group.uuid === open ? "" : (state.drafts[group.handle ?? group.uuid] ?? "")}
              isReachable=${group.uuid === reachable}
              onMenu=${onMenu}
            />`,
        )}
      </ul>
      ${ofMenu && html`<${MessageGroupMenu} key=${menu} group=${ofMenu} at=${menu.at} onClose=${() => setMenu(null)} />`}
      ${more !== null && html`<p class="more" role="status">${state.inboxFailure ?? "Loading more conversations…"}</p>`}
    </nav>
  `;
}

/**
 * Return the groups in their order, but while a pointer is down in the one that it found: it opens what it pressed.
 * @param {Group[]} groups
 */
function useSteadyOrder(groups) {
  const held = useRef(/** @type {Map<string, number> | null} */ (null));
  const [, setReleases] = useState(0);
  const release = () => {
    if (!held.current) return;
    setTimeout(() => {
      held.current = null;
      setReleases((count) => count + 1);
    }); // after the click, which follows in this task
  };
  useEvent(window, "pointerup", release);
  useEvent(window, "pointercancel", release);
  /** @param {PointerEvent} event */
  const onPointerDown = (event) => {
    if (event.button === 0) held.current = new Map(groups.map(({ uuid }, at) => [uuid, at]));
  };
  const places = held.current;
  const place = (/** @type {Group} */ { uuid }) => places?.get(uuid) ?? groups.length;
  return { shown: places ? [...groups].sort((one, other) => place(one) - place(other)) : groups, onPointerDown };
}

/** @param {KeyboardEvent & {currentTarget: HTMLElement}} event */
function moveFocus(event) {
  const links = /** @type {HTMLElement[]} */ ([...event.currentTarget.querySelectorAll("a")]);
  const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const last = links.length - 1;
  /** @type {Record<string, number>} */
  const targets = { ArrowDown: Math.min(at + 1, last), ArrowUp: Math.max(at - 1, 0), Home: 0, End: last };
  const target = targets[event.key];
  if (target === undefined) return;
  event.preventDefault();
  links[target]?.focus();
}

function Skeleton() {
  return html`
    <div class="skeleton" role="status" aria-label="Loading conversations">
      ${[1, 2, 3, 4, 5].map((key) => html`<div key=${key} class="skeleton-row"><span></span><i></i><i></i></div>`)}
    </div>
  `;
}
