/** The menu of the signed-in user: name, theme, and sign-out. */

import { errorText } from "../lib/api.js";
import { useMessenger } from "../lib/hooks.js";
import { html, useRef, useState } from "../vendor/htm-preact.js";
import { Avatar } from "./Avatar.js";
import { Icon } from "./Icon.js";

const THEMES = ["system", "light", "dark"];

/** @param {{me: import("../types.js").Me}} props */
export function AccountMenu({ me }) {
  const messenger = useMessenger();
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const isLocal = messenger.config.sign_in.kind === "local";
  return html`
    <button class="account" popovertarget="account" aria-label=${`Your account, ${me.display_name}`}>
      <${Avatar} name=${me.display_name} handle=${me.handle} size="small" />
    </button>
    <div class="menu" id="account" popover="auto">
      <p class="menu-head">
        <strong dir="auto">${me.display_name}</strong>
        <span class="handle">@${me.handle}</span>
      </p>
      <button popovertarget="account" onClick=${() => dialog.current?.showModal()}>
        <${Icon} name="pencil" />Change your name
      </button>
      <${ThemeChoice} />
      <a href="/docs" target="_blank" rel="noopener"><${Icon} name="code" />API documentation</a>
      <button onClick=${() => messenger.signOut()}>
        <${Icon} name="signOut" />${isLocal ? "Switch user" : "Sign out"}
      </button>
    </div>
    <${RenameDialog} dialog=${dialog} me=${me} />
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
  return html`
    <dialog class="dialog" ref=${dialog} aria-labelledby="rename-title">
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
