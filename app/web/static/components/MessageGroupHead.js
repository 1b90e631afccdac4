/** The head of a conversation: the other user, and a link back to the inbox. */

import { useNow } from "../lib/hooks.js";
import { INBOX_PATH } from "../lib/router.js";
import { formatSeen } from "../lib/time.js";
import { html } from "../vendor/htm-preact.js";
import { Avatar } from "./Avatar.js";
import { Icon } from "./Icon.js";
import { PersonButton } from "./PersonCard.js";

/** @param {{name: string, handle: string | null, presence?: import("../types.js").Presence | null}} props */
export function MessageGroupHead({ name, handle, presence = null }) {
  const now = useNow();
  return html`
    <header class="conversation-head">
      <a class="back round quiet" href=${INBOX_PATH} aria-label="Back to all conversations"><${Icon} name="back" /></a>
      <${PersonButton} name=${name} handle=${handle}><${Avatar} name=${name} handle=${handle} isOnline=${presence?.is_online} /><//>
      <div class="conversation-title">
        <h1 dir="auto">${name}</h1>
        <p class="handle">
          ${handle ? `@${handle}` : "This account was deleted"}${presence && html`<span class="seen">${formatSeen(presence, now)}</span>`}
        </p>
      </div>
    </header>
  `;
}
