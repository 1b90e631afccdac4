/** Blocking a user from the card of that user, with a word of warning, and ending the block. */

import { errorText } from "../lib/api.js";
import { useMessenger, useMessengerState } from "../lib/hooks.js";
import { setBlocked } from "../lib/store.js";
import { html, useState } from "../vendor/htm-preact.js";

/** @param {{name: string, handle: string}} props */
export function BlockControl({ name, handle }) {
  const { groups, me } = useMessengerState();
  const { change, known, failure } = useBlock(handle);
  const [isAsking, setAsking] = useState(false);
  const group = Object.values(groups).find((each) => each.handle === handle);
  const isBlocked = group ? group.blocked_at !== null : known;
  if (handle === me.handle) return null;
  const block = () => {
    setAsking(false);
    void change(true);
  };
  return html`
    ${
      isAsking &&
      html`<div class="block-warning">
        <p>Block <bdi>${name}</bdi>? Neither of you can write to the other then. What was written stays, and <bdi>${name}</bdi> is not told.</p>
        <p class="dialog-buttons">
          <button class="quiet" onClick=${() => setAsking(false)}>Cancel</button>
          <button class="primary danger" onClick=${block}>Block</button>
        </p>
      </div>`
    }
    ${!isAsking && (isBlocked ? html`<button class="quiet" onClick=${() => void change(false)}>Unblock</button>` : html`<button class="quiet danger" onClick=${() => setAsking(true)}>Block…</button>`)}
    ${failure && html`<p class="failure" role="alert">${failure}</p>`}
  `;
}

/**
 * What stands in place of the composer while the user blocks the other.
 * @param {{name: string, handle: string}} props
 */
export function BlockedNote({ name, handle }) {
  const { change, failure } = useBlock(handle);
  return html`
    <p class="composer blocked-note" role="note">
      <span>${failure ?? html`You have blocked <bdi>${name}</bdi>. Neither of you can write to the other.`}</span>
      <button class="link" onClick=${() => void change(false)}>Unblock</button>
    </p>
  `;
}

/**
 * Return what blocks and unblocks a user, what it has done last, and why it could not.
 * @param {string} handle
 */
function useBlock(handle) {
  const { api, store } = useMessenger();
  const [known, setKnown] = useState(false);
  const [failure, setFailure] = useState(/** @type {string | null} */ (null));
  const change = async (/** @type {boolean} */ isBlocked) => {
    try {
      const block = await api.call(isBlocked ? "PUT" : "DELETE", `/api/users/@${handle}/block`);
      setKnown(isBlocked);
      setFailure(null);
      store.update((state) => setBlocked(state, block));
    } catch (error) {
      setFailure(errorText(error));
    }
  };
  return { change, known, failure };
}
