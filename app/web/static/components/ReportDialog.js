/** A dialog that reports a user, or a message of another user, to the operators. */

import { errorText } from "../lib/api.js";
import { useMessenger } from "../lib/hooks.js";
import { uuid7 } from "../lib/uuid7.js";
import { html, useRef, useState } from "../vendor/htm-preact.js";
import { closeDialog, Modal } from "./Modal.js";

const REASONS = {
  spam: "Spam or unwanted offers",
  harassment: "Harassment or insults",
  threat: "Threats or violence",
  impersonation: "Pretends to be another person",
  illegal: "Something illegal",
  other: "Something else",
};
const NOTE_LENGTH = 1000;

/** @typedef {{handle: string} | {message_group_uuid: string, number: number}} Target */

/** @param {{target: Target, name: string, text?: string, onClose: () => void}} props text: that of the message */
export function ReportDialog({ target, name, text, onClose }) {
  const { state, send } = useReport(target);
  const title = text === undefined ? `Report ${name}?` : "Report this message?";
  return html`
    <${Modal} label=${title} kind="about-message report" onClose=${onClose}>
      ${
        state.isSent
          ? html`
            <h2>Thank you</h2>
            <p role="status">Your report is with the operators of this service.</p>
            <p class="dialog-buttons">
              <button class="primary" onClick=${(/** @type {Event} */ event) => closeDialog(event.currentTarget)}>Close</button>
            </p>
          `
          : html`<${ReportForm} ...${{ title, name, text, state }} onSend=${send} />`
      }
    <//>
  `;
}

/**
 * @param {{title: string, name: string, text?: string, state: Sending, onSend: (form: FormData) => void}} props
 */
function ReportForm({ title, name, text, state, onSend }) {
  /** @param {SubmitEvent & {currentTarget: HTMLFormElement}} event */
  const onSubmit = (event) => {
    event.preventDefault();
    onSend(new FormData(event.currentTarget));
  };
  return html`
    <form onSubmit=${onSubmit}>
      <h2 dir="auto">${title}</h2>
      ${text !== undefined && html`<blockquote dir="auto">${text}</blockquote>`}
      <fieldset>
        <legend>What is wrong?</legend>
        ${Object.entries(REASONS).map(
          ([reason, label]) =>
            html`<label key=${reason}><input type="radio" name="reason" value=${reason} required /> ${label}</label>`,
        )}
      </fieldset>
      <label>
        What should the operators know? (optional)
        <textarea name="note" rows="3" maxlength=${NOTE_LENGTH} dir="auto"></textarea>
      </label>
      <p class="hint">
        ${
          text === undefined
            ? "The operators of this service see your report."
            : "The operators of this service see this message and up to five messages before and after it."
        }
        <span dir="auto"> ${name}</span> is not told.
      </p>
      ${state.failure && html`<p class="failure" role="alert">${state.failure}.</p>`}
      <p class="dialog-buttons">
        <button type="button" class="quiet" onClick=${(/** @type {Event} */ event) => closeDialog(event.currentTarget)}>Cancel</button>
        <button class="primary" disabled=${state.isSending}>Report</button>
      </p>
    </form>
  `;
}

/** @typedef {{isSending: boolean, isSent: boolean, failure: string}} Sending */

/**
 * Return the state of a report, and what sends it; a form that is sent again unchanged is one report.
 * @param {Target} target
 * @returns {{state: Sending, send: (form: FormData) => Promise<void>}}
 */
function useReport(target) {
  const { api } = useMessenger();
  const [state, setState] = useState({ isSending: false, isSent: false, failure: "" });
  const last = useRef({ content: "", uuid: "" });
  /** @param {FormData} form */
  const send = async (form) => {
    const note = String(form.get("note")).trim();
    const body = { ...target, reason: form.get("reason"), ...(note && { note }) };
    const content = JSON.stringify(body);
    if (content !== last.current.content) last.current = { content, uuid: uuid7() };
    setState({ isSending: true, isSent: false, failure: "" });
    try {
      await api.request("POST", "/api/reports", { ...body, uuid: last.current.uuid });
      setState({ isSending: false, isSent: true, failure: "" });
    } catch (error) {
      setState({ isSending: false, isSent: false, failure: errorText(error) });
    }
  };
  return { state, send };
}
