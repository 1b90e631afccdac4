/** The menu of the signed-in user: name, receipts, theme, own data, and sign-out. */

import { errorText } from "../lib/api.js";
import { addressOf } from "../lib/base.js";
import { useMessenger, useMessengerState } from "../lib/hooks.js";
import { html, useRef, useState } from "../vendor/htm-preact.js";
import { Avatar } from "./Avatar.js";
import { Icon } from "./Icon.js";
import { useOwnData } from "./OwnData.js";

const THEMES = ["system", "light", "dark"];

/** @param {{me: import("../types.js").Me}} props */
export function AccountMenu({ me }) {
  const messenger = useMessenger();
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const question = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const ownData = useOwnData(me, "account", focusAccount);
  const { pending, pendingChanges } = useMessengerState();
  const unsent = { messages: pending.length, changes: pendingChanges.length };
  const isLocal = messenger.config.sign_in.kind === "local";
  return html`
    <button class="account" id="account-button" popovertarget="account" aria-label=${`Your account, ${me.display_name}`}>
      <${Avatar} name=${me.display_name} handle=${me.handle} size="small" />
    </button>
    <div class="menu" id="account" popover="auto">
      <p class="menu-head">
        <strong dir="auto">${me.display_name}</strong>
        <span class="handle">@${me.handle}</span>
      </p>
      <button popovertarget="account" popovertargetaction="hide" onClick=${() => dialog.current?.showModal()}>
        <${Icon} name="pencil" />Change your name
      </button>
      <${ReceiptsChoice} />
      <${SendersChoice} />
      <${ThemeChoice} />
      ${ownData.items}
      <a href=${addressOf("/docs")} target="_blank" rel="noopener"><${Icon} name="code" />API documentation</a>
      <button
        popovertarget="account"
        popovertargetaction="hide"
        onClick=${() => (unsent.messages + unsent.changes > 0 ? question.current?.showModal() : messenger.signOut())}
      >
        <${Icon} name="signOut" />${isLocal ? "Switch user" : "Sign out"}
      </button>
    </div>
    <${RenameDialog} dialog=${dialog} me=${me} />
    <${SignOutDialog} dialog=${question} unsent=${unsent} />
    ${ownData.dialog}
  `;
}

/** @typedef {{messages: number, changes: number}} Unsent */

/** @param {{dialog: import("../vendor/htm-preact.js").Ref<HTMLDialogElement | null>, unsent: Unsent}} props */
function SignOutDialog({ dialog, unsent }) {
  const messenger = useMessenger();
  /** @param {SubmitEvent} event */
  const onSubmit = (event) => {
    event.preventDefault();
    void messenger.signOut();
  };
  return html`
    <dialog class="dialog" ref=${dialog} aria-labelledby="sign-out-title" onClose=${focusAccount}>
      <form onSubmit=${onSubmit}>
        <h2 id="sign-out-title">${unsentText(unsent)}</h2>
        <p>What has not been sent is kept in this browser only, and signing out deletes it.</p>
        <p class="dialog-buttons">
          <button type="button" class="primary" onClick=${() => dialog.current?.close()}>Cancel</button>
          <button class="quiet">Delete and sign out</button>
        </p>
      </form>
    </dialog>
  `;
}

/** @param {Unsent} unsent */
function unsentText({ messages, changes }) {
  const count = messages + changes;
  const what = changes === 0 ? "message" : messages === 0 ? "change" : "message or change";
  if (count === 1) return `One ${what} has not been sent`;
  return `${count} ${what.replace("message", "messages").replace("change", "changes")} have not been sent`;
}

/** Focus the button of the menu, which has opened the dialog and is not shown any more. */
function focusAccount() {
  document.getElementById("account-button")?.focus();
}

function ReceiptsChoice() {
  const messenger = useMessenger();
  const { settings } = useMessengerState();
  const [failure, setFailure] = useState("");
  /** @param {Event & {currentTarget: HTMLInputElement}} event */
  const onChange = async ({ currentTarget: box }) => {
    try {
      await messenger.shareReceipts(box.checked);
      setFailure("");
    } catch (error) {
      box.checked = !box.checked;
      setFailure(errorText(error));
    }
  };
  return html`
    <label class="choice">
      <${Icon} name="checks" /><span>Read receipts</span>
      <input
        type="checkbox"
        checked=${settings?.receipts ?? true}
        disabled=${settings === null}
        aria-describedby="receipts-hint"
        onChange=${onChange}
      />
    </label>
    <p class="choice-hint" id="receipts-hint">
      Without them, others do not see what you have read, and you do not see what they have.
    </p>
    ${failure && html`<p class="choice-hint failure" role="alert">${failure}.</p>`}
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
      await messenger.settings.change({ messages_from });
      setFailure("");
    } catch (error) {
      list.value = settings?.messages_from ?? "everyone";
      setFailure(errorText(error));
    }
  };
  return html`
    <label class="choice">
      <${Icon} name="mail" /><span>Messages from</span>
      <select
        value=${settings?.messages_from ?? "everyone"}
        disabled=${settings === null}
        aria-describedby="senders-hint"
        onChange=${onChange}
      >
        ${SENDERS.map(({ value, label }) => html`<option key=${value} value=${value}>${label}</option>`)}
      </select>
    </label>
    <p class="choice-hint" id="senders-hint">Who may start a conversation with you. It waits in your requests.</p>
    ${failure && html`<p class="choice-hint failure" role="alert">${failure}.</p>`}
  `;
}

function ThemeChoice() {
  const [theme, setTheme] = useState(document.documentElement.dataset.theme ?? "system");
  /** @param {string} next */
  const choose = (next) => {
    setTheme(next);
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    localStorage.setItem("cruddur-theme", next);
  };
  return html`
    <fieldset class="themes">
      <legend><${Icon} name="moon" />Colours</legend>
      <div class="theme-choice">
        ${THEMES.map(
          (name) =>
            html`<label key=${name}>
              <input type="radio" name="theme" value=${name} checked=${theme === name} onChange=${() => choose(name)} />
              <span>${name}</span>
            </label>`,
        )}
      </div>
    </fieldset>
  `;
}

/** @param {{dialog: import("../vendor/htm-preact.js").Ref<HTMLDialogElement | null>, me: import("../types.js").Me}} props */
function RenameDialog({ dialog, me }) {
  const messenger = useMessenger();
  const [failure, setFailure] = useState("");
  /** @param {SubmitEvent & {currentTarget: HTMLFormElement}} event */
  const onSubmit = async (event) => {
    event.preventDefault();
    const name = String(new FormData(event.currentTarget).get("name")).trim();
    try {
      if (name && name !== me.display_name) await messenger.rename(name);
      setFailure("");
      dialog.current?.close();
    } catch (error) {
      setFailure(errorText(error));
    }
  };
  const onClose = () => {
    setFailure("");
    const field = dialog.current?.querySelector("input");
    if (field) field.value = me.display_name;
    focusAccount();
  };
  return html`
    <dialog class="dialog" ref=${dialog} aria-labelledby="rename-title" onClose=${onClose}>
      <form onSubmit=${onSubmit}>
        <h2 id="rename-title">Change your name</h2>
        <label>Name <input name="name" required maxlength="50" autocomplete="name" value=${me.display_name} /></label>
        ${failure && html`<p class="failure" role="alert">${failure}</p>`}
        <p class="dialog-buttons">
          <button type="button" class="quiet" onClick=${() => dialog.current?.close()}>Cancel</button>
          <button class="primary">Save</button>
        </p>
      </form>
    </dialog>
  `;
}
