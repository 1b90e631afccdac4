/** A new group: a button, and a dialog that chooses its people and its title. */

import { useMessenger } from "../../lib/hooks.js";
import { groupPath, navigate } from "../../lib/router.js";
import { uuid7 } from "../../lib/uuid7.js";
import { html, useRef, useState } from "../../vendor/htm-preact.js";
import { Icon } from "../Icon.js";
import { closeDialog, Modal } from "../Modal.js";
import { useCall } from "./ConfirmDialog.js";
import { PeoplePicker } from "./PeoplePicker.js";

export const TITLE_LENGTH = 50;
/** The most users that one call takes. */
const MOST_CHOSEN = 99;

export function NewGroupButton() {
  const [isOpen, setOpen] = useState(false);
  return html`
    <button class="round quiet new-group-button" aria-label="New group" title="New group" onClick=${() => setOpen(true)}>
      <${Icon} name="people" />
    </button>
    ${isOpen && html`<${NewGroupDialog} onClose=${() => setOpen(false)} />`}
  `;
}

/** @param {{onClose: () => void}} props */
function NewGroupDialog({ onClose }) {
  const messenger = useMessenger();
  const [chosen, setChosen] = useState(/** @type {import("./PeoplePicker.js").Chosen[]} */ ([]));
  const [title, setTitle] = useState("");
  const [showsHistory, setShowsHistory] = useState(false);
  const uuid = useRef(uuid7()); // of this dialog: a repeated call finds the group that an earlier one has created
  const { failure, isRunning, run } = useCall();
  /** @param {SubmitEvent & {currentTarget: HTMLFormElement}} event */
  const onSubmit = async (event) => {
    const { currentTarget } = event;
    event.preventDefault();
    const handles = chosen.map((each) => each.handle);
    const body = { title: title.trim(), handles, uuid: uuid.current, shows_history: showsHistory };
    let created = "";
    const create = async () => {
      created = (await messenger.groups.create(body)).uuid;
    };
    if (!(await run(create))) return;
    closeDialog(currentTarget); // first, as it gives the focus back
    navigate(groupPath(created));
  };
  return html`
    <${Modal} label="New group" kind="group-dialog" onClose=${onClose}>
      <form onSubmit=${onSubmit}>
        <h2>New group</h2>
        <${PeoplePicker} chosen=${chosen} onChange=${setChosen} most=${MOST_CHOSEN} />
        <label>
          Title
          <input
            name="title"
            required
            maxlength=${TITLE_LENGTH}
            pattern=".*\\S.*"
            autocomplete="off"
            dir="auto"
            value=${title}
            onInput=${(/** @type {{currentTarget: HTMLInputElement}} */ event) => setTitle(event.currentTarget.value)}
          />
        </label>
        <label class="check">
          <input type="checkbox" checked=${showsHistory} onChange=${(/** @type {{currentTarget: HTMLInputElement}} */ event) => setShowsHistory(event.currentTarget.checked)} />
          <span>New members see earlier messages</span>
        </label>
        ${failure && html`<p class="failure" role="alert">${failure}.</p>`}
        <p class="dialog-buttons">
          <button type="button" class="quiet" onClick=${(/** @type {Event} */ event) => closeDialog(event.currentTarget)}>Cancel</button>
          <button class="primary" disabled=${isRunning || chosen.length === 0 || title.trim() === ""}>Create</button>
        </p>
      </form>
    <//>
  `;
}
