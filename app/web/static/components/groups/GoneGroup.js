/** What stands in place of a conversation that the user is no longer in. */

import { useMessenger, useMessengerState } from "../../lib/hooks.js";
import { INBOX_PATH } from "../../lib/router.js";
import { html } from "../../vendor/htm-preact.js";

/** @param {{uuid: string, group: import("../../types.js").Group | undefined}} props */
export function GoneGroup({ uuid, group }) {
  const { outbox } = useMessenger();
  const { drafts, pending } = useMessengerState();
  const unsent = pending.filter((each) => each.group === uuid);
  return html`
    <div class="empty-state" role="status">
      <h1>${group ? html`You are no longer in <bdi>${group.display_name}</bdi>` : "You are not in this conversation"}</h1>
      <p>
        ${group ? "You have left it or were removed, and can read it no more." : "It does not exist, or you are not a member of it any more."}
        ${drafts[uuid] && " What you had begun to write is kept, in case you are added again."}
      </p>
      ${unsent.map(
        (each) =>
          html`<div key=${each.uuid} class="unsent">
            <blockquote dir="auto">${each.text}</blockquote>
            <p>Not sent. <button class="link" onClick=${() => outbox.discard(each.uuid)}>Delete</button></p>
          </div>`,
      )}
      <p><a class="quiet button" href=${INBOX_PATH}>All conversations</a></p>
    </div>
  `;
}
