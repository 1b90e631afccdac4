/** A dialog that says what an action does, and does it once the user confirms. */

import { groupErrorText } from "../../lib/groups/calls.js";
import { html, useState } from "../../vendor/htm-preact.js";
import { closeDialog, Modal } from "../Modal.js";

/**
 * @typedef {{title: string, warning: import("../../vendor/htm-preact.js").Child, label: string, isDanger?: boolean,
 *   onConfirm: () => Promise<unknown>}} Question
 *
 * @param {Question & {onClose: () => void}} props label: of the button that confirms
 */
export function ConfirmDialog({ title, warning, label, isDanger = false, onConfirm, onClose }) {
  const { failure, isRunning, run } = useCall();
  /** @param {Event} event */
  const onClick = async ({ currentTarget }) => {
    if (await run(onConfirm)) closeDialog(currentTarget);
  };
  return html`
    <${Modal} label=${title} kind="about-message" onClose=${onClose}>
      <h2 dir="auto">${title}</h2>
      <p>${warning}</p>
      ${failure && html`<p class="failure" role="alert">${failure}.</p>`}
      <p class="dialog-buttons">
        <button class="quiet" onClick=${(/** @type {Event} */ event) => closeDialog(event.currentTarget)}>Cancel</button>
        <button class="primary ${isDanger ? "danger" : ""}" disabled=${isRunning} onClick=${onClick}>${label}</button>
      </p>
    <//>
  `;
}

/** Return why the last call failed, whether one runs, and what runs one: it returns whether the call succeeded. */
export function useCall() {
  const [failure, setFailure] = useState("");
  const [isRunning, setRunning] = useState(false);
  const run = async (/** @type {() => Promise<unknown>} */ call) => {
    setRunning(true);
    setFailure("");
    try {
      await call();
      return true;
    } catch (error) {
      setFailure(groupErrorText(error));
      return false;
    } finally {
      setRunning(false);
    }
  };
  return { failure, isRunning, run };
}
