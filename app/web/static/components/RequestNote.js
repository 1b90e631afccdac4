/** What stands in place of the composer in a request: whether to accept it, decline it, or block its sender. */

import { errorText } from "../lib/api.js";
import { useMessenger } from "../lib/hooks.js";
import { html, useState } from "../vendor/htm-preact.js";

/** @param {{group: import("../types.js").Group, onGone: () => void}} props */
export function RequestNote({ group, onGone }) {
  const { api, requests } = useMessenger();
  const [failure, setFailure] = useState("");
  const [isBusy, setBusy] = useState(false);
  /** @param {() => Promise<unknown>} decide */
  const run = async (decide) => {
    setBusy(true);
    try {
      await decide();
    } catch (error) {
      setFailure(errorText(error));
    }
    setBusy(false);
  };
  const accept = () => run(() => requests.decide(group.uuid, "accept"));
  const decline = () => run(() => requests.decide(group.uuid, "decline").then(onGone));
  const block = () =>
    run(async () => {
      await api.call("PUT", `/api/users/@${group.handle}/block`);
      await requests.decide(group.uuid, "decline");
      onGone();
    });
  return html`
    <div class="composer request-note" role="group" aria-label="Message request">
      <p>
        <strong><bdi>${group.display_name}</bdi> would like to write to you.</strong>
        <span> Until you accept, they do not see whether you have read this.</span>
      </p>
      ${failure && html`<p class="failure" role="alert">${failure}</p>`}
      <p class="dialog-buttons">
        ${group.handle && html`<button class="quiet danger" disabled=${isBusy} onClick=${block}>Block</button>`}
        <button class="quiet" disabled=${isBusy} onClick=${decline}>Decline</button>
        ${group.handle && html`<button class="primary" disabled=${isBusy} onClick=${accept}>Accept</button>`}
      </p>
    </div>
  `;
}
