/** The menu of the signed-in user: profile, settings, theme, own data, and sign-out. */

import { addressOf } from "../lib/base.js";
import { useMessenger, useMessengerState } from "../lib/hooks.js";
import { html, useRef, useState } from "../vendor/htm-preact.js";
import { Avatar } from "./Avatar.js";
import { Icon } from "./Icon.js";
import { useOwnData } from "./OwnData.js";
import { ProfileDialog } from "./ProfileDialog.js";
import { SettingsDialog } from "./SettingsDialog.js";

const THEMES = ["system", "light", "dark"];

/** @param {{me: import("../types.js").Me}} props */
export function AccountMenu({ me }) {
  const messenger = useMessenger();
  const [opened, setOpened] = useState(/** @type {"profile" | "settings" | null} */ (null));
  const question = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const ownData = useOwnData(me, "account", focusAccount);
  const { pending, pendingChanges } = useMessengerState();
  const unsent = { messages: pending.length, changes: pendingChanges.length };
  const onClose = () => {
    setOpened(null);
    focusAccount();
  };
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
      <button popovertarget="account" popovertargetaction="hide" onClick=${() => setOpened("profile")}>
        <${Icon} name="pencil" />Edit your profile
      </button>
      <button popovertarget="account" popovertargetaction="hide" onClick=${() => setOpened("settings")}>
        <${Icon} name="sliders" />Settings
      </button>
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
    ${opened === "profile" && html`<${ProfileDialog} me=${me} onClose=${onClose} />`}
    ${opened === "settings" && html`<${SettingsDialog} onClose=${onClose} />`}
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
