/** A conversation without messages, which the first message creates. */

import { Avatar } from "../components/Avatar.js";
import { MessageForm } from "../components/MessageForm.js";
import { MessageGroupHead } from "../components/MessageGroupHead.js";
import { PendingItem } from "../components/MessageItem.js";
import { useMessenger, useMessengerState } from "../lib/hooks.js";
import { groupPath, INBOX_PATH, navigate } from "../lib/router.js";
import { inboxOf, isOnline, pendingFor } from "../lib/selectors.js";
import { html, useEffect } from "../vendor/htm-preact.js";

/** @param {{handle: string, person: import("../types.js").Person | null | undefined}} props person: undefined until it is known */
export function MessageGroupNewPage({ handle, person }) {
  const messenger = useMessenger();
  const state = useMessengerState();
  const group = inboxOf(state.groups).find((each) => each.handle === handle);
  useEffect(() => {
    if (group) navigate(groupPath(group.uuid), { replace: true });
  }, [group?.uuid]);
  if (person === null || handle === state.me.handle)
    return html`<${NoSuchUser} handle=${handle} isMe=${person !== null} />`;
  const pending = pendingFor(state.pending, null, handle);
  const name = person?.display_name ?? `@${handle}`;
  return html`
    <${MessageGroupHead} name=${name} handle=${handle} />
    <div class="feed-frame">
      <div class="feed">
        <div class="feed-content">
          ${
            pending.length === 0 &&
            html`<div class="hello">
              <${Avatar} name=${name} handle=${handle} size="large" />
              <p>Say hello to <bdi>${name}</bdi>. You have not written to one another yet.</p>
            </div>`
          }
          ${pending.map(
            (each, index) =>
              html`<${PendingItem}
                key=${each.uuid}
                pending=${each}
                isFirst=${index === 0}
                isLast=${index === pending.length - 1}
                isOnline=${isOnline(state)}
                onRetry=${() => messenger.outbox.retry(each.uuid)}
                onDiscard=${() => messenger.outbox.discard(each.uuid)}
              />`,
          )}
        </div>
      </div>
    </div>
    <p class="typing-line"></p>
    <${MessageForm}
      target=${{ group: null, handle }}
      draftKey=${handle}
      name=${name}
      members=${person ? [person, state.me] : []}
      reply=${null}
      onReplyEnd=${() => {}}
      onLeave=${() => navigate(INBOX_PATH)}
    />
  `;
}

/** @param {{handle: string, isMe: boolean}} props */
function NoSuchUser({ handle, isMe }) {
  return html`
    <div class="empty-state">
      <h1>${isMe ? "This is your own handle" : `There is no user @${handle}`}</h1>
      <p>${isMe ? "You cannot write to yourself." : "Check how the handle is spelt."}</p>
      <p><a class="quiet button" href=${INBOX_PATH}>All conversations</a></p>
    </div>
  `;
}
