/** The inbox: conversations, newest activity first. */

import { useMessenger, useMessengerState, useNow } from "../lib/hooks.js";
import { isPeerOnline } from "../lib/presence.js";
import { inboxOf, isTyping } from "../lib/selectors.js";
import { html, useEffect, useMemo, useRef, useState } from "../vendor/htm-preact.js";
import { AccountMenu } from "./AccountMenu.js";
import { ConnectionStatus } from "./ConnectionStatus.js";
import { MessageGroupItem } from "./MessageGroupItem.js";
import { MessageGroupMenu } from "./MessageGroupMenu.js";
import { MessageGroupNewItem } from "./MessageGroupNewItem.js";
import { PersonSearch } from "./PersonSearch.js";

/** @typedef {import("../types.js").Group} Group */
/** @typedef {import("../types.js").Point} Point */

/** Pixels before the end at which the next page is loaded. */
const LOAD_DISTANCE = 400;

/** @param {{open: string | null, newPerson: {handle: string, display_name: string} | null}} props */
export function MessageGroupFeed({ open, newPerson }) {
  const state = useMessengerState();
  return html`
    <header class="inbox-head">
      <h1>Messages</h1>
      <${ConnectionStatus} connection=${state.connection} />
      <${AccountMenu} me=${state.me} />
    </header>
    <${PersonSearch} />
    <${Groups} state=${state} open=${open} newPerson=${newPerson} />
  `;
}

/** @param {{state: import("../types.js").State, open: string | null, newPerson: {handle: string, display_name: string} | null}} props */
function Groups({ state, open, newPerson }) {
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
  const groups = inboxOf(state.groups);
  if (groups.length === 0 && !newPerson) {
    return html`<div class="notice">
      <p>You have no conversations yet.</p>
      <p>Find a person above and say hello.</p>
    </div>`;
  }
  return html`<${GroupList} ...${{ state, groups, open, newPerson }} />`;
}

/**
 * The list has one tab stop; the arrow keys move the focus within it.
 * @param {{state: import("../types.js").State, groups: import("../types.js").Group[], open: string | null,
 *   newPerson: {handle: string, display_name: string} | null}} props
 */
function GroupList({ state, groups, open, newPerson }) {
  const messenger = useMessenger();
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
  const reachable = [focused, open].find((uuid) => uuid !== null && uuid in state.groups) ?? groups[0]?.uuid;

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
  useEffect(loadNearEnd, [state.more, groups.length, open]); // a page may bring nothing new, and so nothing to scroll
  return html`
    <nav class="groups" aria-label="Conversations" ref=${list} onScroll=${loadNearEnd}>
      <ul role="list" onKeyDown=${moveFocus} onfocusin=${onFocus}>
        ${newPerson && html`<${MessageGroupNewItem} key="new" person=${newPerson} />`}
        ${groups.map(
          (group) =>
            html`<${MessageGroupItem}
              key=${group.uuid}
              group=${group}
              me=${state.me.uuid}
              now=${now}
              isOpen=${group.uuid === open}
              isTyping=${isTyping(state, group.uuid)}
              isOnline=${isPeerOnline(state, group)}
              draft=${group.uuid === open ? "" : (state.drafts[group.handle ?? group.uuid] ?? "")}
              isReachable=${group.uuid === reachable}
              onMenu=${onMenu}
            />`,
        )}
      </ul>
      ${ofMenu && html`<${MessageGroupMenu} key=${menu} group=${ofMenu} at=${menu.at} onClose=${() => setMenu(null)} />`}
      ${state.more !== null && html`<p class="more" role="status">${state.inboxFailure ?? "Loading more conversations…"}</p>`}
    </nav>
  `;
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
