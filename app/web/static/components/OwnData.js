/** The items of the account menu about the user's own data, with their dialogs: download, and deletion. */

import { errorText } from "../lib/api.js";
import { useMessenger } from "../lib/hooks.js";
import { deleteUser, downloadExport } from "../lib/ownData.js";
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";
import { Icon } from "./Icon.js";
import { closeDialog, Modal } from "./Modal.js";

/**
 * Return the items of the menu, and the dialog that one of them has opened, which stands outside of the menu.
 * @param {import("../types.js").Me} me
 * @param {string} menu the id of the menu
 * @param {() => void} onClose
 */
export function useOwnData(me, menu, onClose) {
  const [shown, setShown] = useState(/** @type {"download" | "delete" | null} */ (null));
  const close = () => {
    setShown(null);
    onClose();
  };
  /** @param {"download" | "delete"} which @param {string} icon @param {string} label */
  const item = (which, icon, label) => html`
    <button popovertarget=${menu} popovertargetaction="hide" onClick=${() => setShown(which)}>
      <${Icon} name=${icon} />${label}
    </button>
  `;
  return {
    items: [item("download", "download", "Download my data"), item("delete", "trash", "Delete account")],
    dialog: html`
      ${shown === "download" && html`<${DownloadDialog} onClose=${close} />`}
      ${shown === "delete" && html`<${DeleteAccountDialog} me=${me} onClose=${close} />`}
    `,
  };
}

/** @param {{onClose: () => void}} props */
function DownloadDialog({ onClose }) {
  const { api } = useMessenger();
  const [state, setState] = useState(/** @type {{isRunning: boolean, text: string}} */ ({ isRunning: true, text: "" }));
  const lifetime = useRef(new AbortController()).current;
  useEffect(() => {
    const show = (/** @type {string} */ text) => !lifetime.signal.aborted && setState({ isRunning: false, text });
    downloadExport(api, lifetime.signal).then(
      () => show(""),
      (error) => show(errorText(error)),
    );
    return () => lifetime.abort();
  }, []);
  return html`
    <${Modal} label="Download my data" kind="about-message" onClose=${onClose}>
      <h2>Download my data</h2>
      ${state.isRunning && html`<p role="status">Your profile, conversations and messages are collected. That can take some minutes.</p>`}
      ${!state.isRunning && !state.text && html`<p role="status">The file is saved. Each of its lines is one JSON object.</p>`}
      ${state.text && html`<p class="failure" role="alert">${state.text}.</p>`}
      <p class="dialog-buttons">
        <button class="quiet" onClick=${(/** @type {Event} */ event) => closeDialog(event.currentTarget)}>
          ${state.isRunning ? "Cancel" : "Close"}
        </button>
      </p>
    <//>
  `;
}

/** @param {{me: import("../types.js").Me, onClose: () => void}} props */
function DeleteAccountDialog({ me, onClose }) {
  const messenger = useMessenger();
  const [typed, setTyped] = useState("");
  const [isRunning, setRunning] = useState(false);
  const [failure, setFailure] = useState("");
  const isConfirmed = typed.trim().replace(/^@/, "").toLowerCase() === me.handle;
  /** @param {SubmitEvent} event */
  const onSubmit = async (event) => {
    event.preventDefault();
    if (!isConfirmed || isRunning) return;
    setRunning(true);
    const why = await deleteUser(messenger.api, me.handle);
    if (!why) return messenger.signOut();
    setFailure(why);
    setRunning(false);
  };
  return html`
    <${Modal} label="Delete your account" kind="about-message" onClose=${onClose}>
      <form onSubmit=${onSubmit}>
        <h2>Delete your account</h2>
        <p>Your name, handle, conversations, reactions and settings are deleted, and cannot be brought back.</p>
        <p>
          ${
            messenger.config.erased_messages === "remove"
              ? "Your messages are deleted for everyone."
              : "The people you wrote to keep your messages, under the name “Deleted user”."
          }
        </p>
        <label>
          Type your handle, ${me.handle}, to confirm
          <input
            name="handle"
            required
            maxlength="31"
            autocomplete="off"
            autocapitalize="none"
            spellcheck=${false}
            value=${typed}
            onInput=${(/** @type {InputEvent & {currentTarget: HTMLInputElement}} */ event) => setTyped(event.currentTarget.value)}
          />
        </label>
        ${failure && html`<p class="failure" role="alert">${failure}.</p>`}
        <p class="dialog-buttons">
          <button
            type="button"
            class="quiet"
            onClick=${(/** @type {Event} */ event) => closeDialog(event.currentTarget)}
          >
            Cancel
          </button>
          <button class="primary danger" disabled=${!isConfirmed || isRunning}>Delete account</button>
        </p>
      </form>
    <//>
  `;
}
