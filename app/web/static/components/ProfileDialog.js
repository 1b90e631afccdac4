/** The dialog in which users change their name and what they say about themselves. */

import { errorText } from "../lib/api.js";
import { useMessenger } from "../lib/hooks.js";
import { countCharacters } from "../lib/text.js";
import { html, useState } from "../vendor/htm-preact.js";
import { closeDialog, Modal } from "./Modal.js";

/** The longest text about a user, by the contract of UserUpdate. */
const ABOUT_LENGTH = 160;

/** @param {{me: import("../types.js").Me, onClose: () => void}} props */
export function ProfileDialog({ me, onClose }) {
  const messenger = useMessenger();
  const [failure, setFailure] = useState("");
  const [about, setAbout] = useState(me.about);
  const left = ABOUT_LENGTH - countCharacters(about);
  /** @param {SubmitEvent & {currentTarget: HTMLFormElement}} event */
  const onSubmit = async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const name = String(new FormData(form).get("name")).trim();
    const isRenamed = name !== "" && name !== me.display_name;
    try {
      await messenger.changeProfile({ ...(isRenamed && { display_name: name }), ...(about !== me.about && { about }) });
      closeDialog(form);
    } catch (error) {
      setFailure(errorText(error));
    }
  };
  return html`
    <${Modal} label="Your profile" kind="profile" onClose=${onClose}>
      <form onSubmit=${onSubmit}>
        <h2>Your profile</h2>
        <label>Name <input name="name" required maxlength="50" autocomplete="name" value=${me.display_name} /></label>
        <label class="about-field">
          About you
          <textarea
            rows="3"
            dir="auto"
            aria-describedby="about-hint"
            value=${about}
            onInput=${(/** @type {{currentTarget: HTMLTextAreaElement}} */ { currentTarget }) => setAbout(currentTarget.value)}
          ></textarea>
        </label>
        <p class="choice-hint" id="about-hint">A few lines that all users can read. ${left < 40 && html`<span role="status">${left} left</span>`}</p>
        ${failure && html`<p class="failure" role="alert">${failure}</p>`}
        <p class="dialog-buttons">
          <button type="button" class="quiet" onClick=${(/** @type {Event} */ { currentTarget }) => closeDialog(currentTarget)}>Cancel</button>
          <button class="primary" disabled=${left < 0}>Save</button>
        </p>
      </form>
    <//>
  `;
}
