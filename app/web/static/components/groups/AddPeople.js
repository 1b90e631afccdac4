/** A dialog that adds people to a group. */

import { useMessenger } from "../../lib/hooks.js";
import { html, useState } from "../../vendor/htm-preact.js";
import { closeDialog, Modal } from "../Modal.js";
import { useCall } from "./ConfirmDialog.js";
import { PeoplePicker } from "./PeoplePicker.js";

/** The most users that one call adds. */
const MOST_ADDED = 20;

/**
 * @param {{group: import("../../types.js").Group, members: import("../../types.js").GroupMember[],
 *   onClose: () => void}} props
 */
export function AddPeopleDialog({ group, members, onClose }) {
  const messenger = useMessenger();
  const [chosen, setChosen] = useState(/** @type {import("./PeoplePicker.js").Chosen[]} */ ([]));
  const { failure, isRunning, run } = useCall();
  const handles = chosen.map((each) => each.handle);
  /** @param {SubmitEvent & {currentTarget: HTMLFormElement}} event */
  const onSubmit = async (event) => {
    const { currentTarget } = event;
    event.preventDefault();
    if (await run(() => messenger.groups.add(group.uuid, handles))) closeDialog(currentTarget);
  };
  return html`
    <${Modal} label="Add people" kind="group-dialog" onClose=${onClose}>
      <form onSubmit=${onSubmit}>
        <h2>Add people to <bdi>${group.display_name}</bdi></h2>
        <${PeoplePicker} chosen=${chosen} onChange=${setChosen} most=${MOST_ADDED} excluded=${members.map((each) => each.handle)} />
        <p class="hint">${group.shows_history ? "They see all earlier messages." : "They see messages from now on."}</p>
        ${failure && html`<p class="failure" role="alert">${failure}.</p>`}
        <p class="dialog-buttons">
          <button type="button" class="quiet" onClick=${(/** @type {Event} */ event) => closeDialog(event.currentTarget)}>Cancel</button>
          <button class="primary" disabled=${isRunning || chosen.length === 0}>Add</button>
        </p>
      </form>
    <//>
  `;
}
