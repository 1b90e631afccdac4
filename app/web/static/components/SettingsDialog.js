/** The dialog of settings: what others see of the user, and notifications. */

import { errorText } from "../lib/api.js";
import { useMessenger, useMessengerState } from "../lib/hooks.js";
import { html, useState } from "../vendor/htm-preact.js";
import { Modal } from "./Modal.js";

/** @typedef {"receipts" | "typing" | "presence" | "is_discoverable"} Setting */

/** @type {{name: Setting, label: string, hint: string}[]} */
const CHOICES = [
  {
    name: "receipts",
    label: "Read receipts",
    hint: "Without them, others do not see what you have read, and you do not see what they have.",
  },
  {
    name: "typing",
    label: "Typing",
    hint: "Without it, others do not see that you type, and you do not see that they do.",
  },
  {
    name: "presence",
    label: "Online status",
    hint: "People you write with see whether you are online, and when you were last, if they show you the same.",
  },
  {
    name: "is_discoverable",
    label: "Found by search",
    hint: "Without it, a first message to you needs your whole handle.",
  },
];

/** @param {{onClose: () => void}} props */
export function SettingsDialog({ onClose }) {
  return html`
    <${Modal} label="Settings" kind="settings" onClose=${onClose}>
      <h2>Settings</h2>
      ${CHOICES.map((choice) => html`<${SettingChoice} key=${choice.name} ...${choice} />`)}
      <${SendersChoice} />
      <${NotificationChoice} />
      <form method="dialog" class="dialog-buttons"><button class="primary" autofocus>Done</button></form>
    <//>
  `;
}

/** @param {{name: Setting, label: string, hint: string}} props */
function SettingChoice({ name, label, hint }) {
  const messenger = useMessenger();
  const { settings } = useMessengerState();
  const [failure, setFailure] = useState("");
  /** @param {Event & {currentTarget: HTMLInputElement}} event */
  const onChange = async ({ currentTarget: box }) => {
    try {
      await messenger.changeSettings({ [name]: box.checked });
      setFailure("");
    } catch (error) {
      box.checked = !box.checked;
      setFailure(errorText(error));
    }
  };
  return html`
    <${Choice} ...${{ name, label, hint, failure, onChange }} isOn=${settings?.[name] ?? false} isReady=${settings !== null} />
  `;
}

const SENDERS = [
  { value: "everyone", label: "Everyone" },
  { value: "contacts", label: "People I wrote to" },
  { value: "nobody", label: "Nobody new" },
];

function SendersChoice() {
  const messenger = useMessenger();
  const { settings } = useMessengerState();
  const [failure, setFailure] = useState("");
  /** @param {Event & {currentTarget: HTMLSelectElement}} event */
  const onChange = async ({ currentTarget: list }) => {
    const messages_from = /** @type {import("../types.js").Settings["messages_from"]} */ (list.value);
    try {
      await messenger.changeSettings({ messages_from });
      setFailure("");
    } catch (error) {
      list.value = settings?.messages_from ?? "everyone";
      setFailure(errorText(error));
    }
  };
  return html`
    <div class="setting">
      <label class="choice">
        <span>Messages from</span>
        <select
          value=${settings?.messages_from ?? "everyone"}
          disabled=${settings === null}
          aria-describedby="senders-hint"
          onChange=${onChange}
        >
          ${SENDERS.map(({ value, label }) => html`<option key=${value} value=${value}>${label}</option>`)}
        </select>
      </label>
      <p class="choice-hint" id="senders-hint">Who may start a conversation with you. It waits in your requests until you accept it.</p>
      ${failure && html`<p class="choice-hint failure" role="alert">${failure}.</p>`}
    </div>
  `;
}

function NotificationChoice() {
  const { notifications } = useMessenger();
  const { notifications: status } = useMessengerState();
  if (status === "unsupported") return null;
  /** @param {Event & {currentTarget: HTMLInputElement}} event */
  const onChange = async ({ currentTarget: box }) => {
    if (box.checked) await notifications.enable();
    else notifications.disable();
    box.checked = notifications.store.state.notifications === "on"; // the browser may have refused
  };
  const hint =
    status === "denied"
      ? "Your browser does not allow them for this page."
      : "Of new messages while this page is in the background. They show the name and the beginning of the text.";
  return html`
    <${Choice}
      ...${{ name: "notifications", label: "Desktop notifications", hint, failure: "", onChange }}
      isOn=${status === "on"}
      isReady=${status !== "denied"}
    />
  `;
}

/**
 * @param {{name: string, label: string, hint: string, failure: string, isOn: boolean, isReady: boolean,
 *   onChange: (event: any) => void}} props
 */
function Choice({ name, label, hint, failure, isOn, isReady, onChange }) {
  return html`
    <div class="setting">
      <label class="choice">
        <span>${label}</span>
        <input type="checkbox" checked=${isOn} disabled=${!isReady} aria-describedby=${`${name}-hint`} onChange=${onChange} />
      </label>
      <p class="choice-hint" id=${`${name}-hint`}>${hint}</p>
      ${failure && html`<p class="choice-hint failure" role="alert">${failure}.</p>`}
    </div>
  `;
}
