/** A conversation: its messages and the composer. */

import { BlockedNote } from "../components/BlockControl.js";
import { useMessageActions } from "../components/MessageActions.js";
import { MessageFeed } from "../components/MessageFeed.js";
import { MessageForm } from "../components/MessageForm.js";
import { MessageGroupHead } from "../components/MessageGroupHead.js";
import { NotificationOffer } from "../components/NotificationOffer.js";
import { withPending } from "../lib/changes.js";
import { useEvent, useMessenger, useMessengerState, useNow } from "../lib/hooks.js";
import { membersOf } from "../lib/mentions.js";
import { presenceOf } from "../lib/presence.js";
import { INBOX_PATH, navigate, savedScrollPosition } from "../lib/router.js";
import { countAfterWindow, isOnline, isTyping, markersOfOthers, pendingFor } from "../lib/selectors.js";
import { html, useEffect, useMemo, useRef, useState } from "../vendor/htm-preact.js";

/** @param {{uuid: string, number: number | null}} props number: of a message to show */
export function MessageGroupPage({ uuid, number }) {
  const messenger = useMessenger();
  const state = useMessengerState();
  const [reply, setReply] = useState(/** @type {import("../types.js").Message | null} */ (null));
  const now = useNow();
  const open = () => void messenger.conversation.open(uuid, savedScrollPosition(), number);
  const leave = () => navigate(INBOX_PATH);
  useEffect(() => {
    open();
    return () => {
      messenger.typing.stop();
      messenger.conversation.close();
    };
  }, [uuid, messenger]);
  const shown = useRef(number);
  useEffect(() => {
    if (number !== shown.current && number !== null) void messenger.conversation.showMessage(number);
    shown.current = number;
  }, [number, messenger]);
  useEvent(document, "keydown", (event) => isUnhandledEscape(event) && leave());

  const group = state.groups[uuid];
  const thread = useShown(state.thread?.group === uuid ? state.thread : null, state);
  const { actions, dialogs } = useMessageActions({ me: state.me, messages: thread?.messages ?? [], onReply: setReply });
  const failure = thread?.failure && html`<${Failure} text=${thread.failure} onRetry=${open} />`;
  if (failure && !group) return failure;
  const isOpen = group && thread && !thread.isLoading;
  return html`
    ${group ? html`<${MessageGroupHead} name=${group.display_name} handle=${group.handle} presence=${presenceOf(state, group)} />` : html`<header class="conversation-head"></header>`}
    ${
      failure ||
      (isOpen
        ? html`<${MessageFeed}
            ...${{ thread, group, me: state.me, now, messenger, actions }}
            pending=${pendingFor(state.pending, uuid, group.handle, thread.messages)}
            afterWindow=${countAfterWindow(state)}
            others=${markersOfOthers(state, uuid)}
            pendingChanges=${state.pendingChanges.filter((each) => each.group === uuid)}
            isOnline=${isOnline(state)}
          />`
        : html`<div class="feed-frame loading" role="status" aria-label="Loading messages"><i></i><i></i><i></i></div>`)
    }
    ${
      group &&
      html`
        <${NotificationOffer} />
        <p class="typing-line" role="status">
          ${isTyping(state, uuid) && html`<span class="dots" aria-hidden="true"><i></i><i></i><i></i></span>${group.display_name} is typing`}
        </p>
        ${
          group.handle === null
            ? html`<p class="gone" role="note">You cannot write to a deleted user.</p>`
            : group.blocked_at
              ? html`<${BlockedNote} name=${group.display_name} handle=${group.handle} />`
              : html`<${MessageForm}
              target=${{ group: uuid, handle: null }}
              draftKey=${group.handle ?? uuid}
              name=${group.display_name}
              members=${membersOf(group, state.me)}
              reply=${reply}
              onReplyEnd=${() => setReply(null)}
              onLeave=${leave}
              onUp=${focusLast}
            />`
        }
        ${dialogs}
      `
    }
  `;
}

/**
 * Return the conversation with the changes of its messages that are on their way.
 * @param {import("../types.js").Thread | null} thread
 * @param {import("../types.js").State} state
 */
function useShown(thread, { pendingChanges, me }) {
  return useMemo(
    () => thread && { ...thread, messages: withPending(thread.messages, pendingChanges, me.uuid) },
    [thread, pendingChanges, me.uuid],
  );
}

/** Move the focus from the composer to the last message. */
function focusLast() {
  const last = [...document.querySelectorAll("[data-number]")].at(-1);
  if (last instanceof HTMLElement) last.focus();
}

/** @param {{text: string, onRetry: () => void}} props */
function Failure({ text, onRetry }) {
  return html`
    <div class="empty-state" role="alert">
      <h1>This conversation cannot be shown</h1>
      <p>${text}.</p>
      <p>
        <button class="primary" onClick=${onRetry}>Try again</button>
        <a class="quiet button" href=${INBOX_PATH}>All conversations</a>
      </p>
    </div>
  `;
}

/** @param {KeyboardEvent} event */
function isUnhandledEscape(event) {
  return (
    event.key === "Escape" && !event.defaultPrevented && !document.querySelector("dialog[open], [popover]:popover-open")
  );
}
