/** A conversation: its messages and the composer. */

import { BlockedNote } from "../components/BlockControl.js";
import { GoneGroup } from "../components/groups/GoneGroup.js";
import { useGroup } from "../components/groups/useGroup.js";
import { useMessageActions } from "../components/MessageActions.js";
import { MessageFeed } from "../components/MessageFeed.js";
import { MessageForm } from "../components/MessageForm.js";
import { NotificationOffer } from "../components/NotificationOffer.js";
import { RequestNote } from "../components/RequestNote.js";
import { withPending } from "../lib/changes.js";
import { hasLeft, isOfSeveral, typingText } from "../lib/groups/state.js";
import { useEvent, useMessenger, useMessengerState, useNow } from "../lib/hooks.js";
import { INBOX_PATH, navigate, savedScrollPosition } from "../lib/router.js";
import { countAfterWindow, isOnline, isRequest, markersOfOthers, pendingFor } from "../lib/selectors.js";
import { html, useEffect, useMemo, useRef, useState } from "../vendor/htm-preact.js";

/** @param {{uuid: string, number: number | null}} props number: of a message to show */
export function MessageGroupPage({ uuid, number }) {
  const messenger = useMessenger();
  const state = useMessengerState();
  const [reply, setReply] = useState(/** @type {import("../types.js").Message | null} */ (null));
  const now = useNow();
  const open = () => void messenger.conversation.open(uuid, savedScrollPosition(), number);
  const leave = () => navigate(INBOX_PATH);
  const group = state.groups[uuid];
  const isLeft = hasLeft(group);
  useEffect(() => {
    if (!isLeft) open();
    return () => {
      messenger.typing.stop();
      messenger.conversation.close();
    };
  }, [uuid, messenger, isLeft]);
  const shown = useRef(number);
  useEffect(() => {
    if (number !== shown.current && number !== null) void messenger.conversation.showMessage(number);
    shown.current = number;
  }, [number, messenger]);
  useEvent(document, "keydown", (event) => isUnhandledEscape(event) && leave());

  const thread = useShown(state.thread?.group === uuid ? state.thread : null, state);
  const { actions, dialogs } = useMessageActions({ me: state.me, messages: thread?.messages ?? [], onReply: setReply });
  const { head, info, members } = useGroup(group, state);
  if (isGone(group, thread)) return html`<${GoneGroup} uuid=${uuid} group=${group} />`;
  const failure = thread?.failure && html`<${Failure} text=${thread.failure} onRetry=${open} />`;
  if (failure && !group) return failure;
  const isOpen = group && thread && !thread.isLoading;
  return html`
    ${head}
    ${
      failure ||
      (isOpen
        ? html`<${MessageFeed}
            ...${{ thread, group, members, me: state.me, now, messenger, actions }}
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
        <${TypingLine} text=${typingText(state, group)} />
        <${Foot} ...${{ group, members, reply, setReply, leave }} />
        ${dialogs}${info}
      `
    }
  `;
}

/**
 * Return whether there is no such conversation of this user, or not any more.
 * @param {import("../types.js").Group | undefined} group
 * @param {import("../types.js").Thread | null} thread
 */
function isGone(group, thread) {
  if (hasLeft(group)) return true;
  if (!thread || thread.isLoading) return false;
  return thread.isGone === true || (!group && thread.failure === null);
}

/**
 * The composer, or what stands in its place.
 * @param {{group: import("../types.js").Group, members: import("../lib/mentions.js").Member[],
 *   reply: import("../types.js").Message | null,
 *   setReply: (reply: import("../types.js").Message | null) => void, leave: () => void}} props
 */
function Foot({ group, members, reply, setReply, leave }) {
  if (isRequest(group)) return html`<${RequestNote} group=${group} onGone=${leave} />`;
  if (group.handle === null && !isOfSeveral(group)) {
    return html`<p class="gone" role="note">You cannot write to a deleted user.</p>`;
  }
  if (group.blocked_at) return html`<${BlockedNote} name=${group.display_name} handle=${group.handle} />`;
  return html`<${MessageForm}
    target=${{ group: group.uuid, handle: null }}
    draftKey=${group.handle ?? group.uuid}
    name=${group.display_name}
    members=${members}
    reply=${reply}
    onReplyEnd=${() => setReply(null)}
    onLeave=${leave}
    onUp=${focusLast}
  />`;
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

/** @param {{text: string}} props empty: no member is typing */
function TypingLine({ text }) {
  return html`<p class="typing-line" role="status">
    ${text && html`<span class="dots" aria-hidden="true"><i></i><i></i><i></i></span><span>${text}</span>`}
  </p>`;
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
