/** Registration after the first sign-in: the user chooses a handle and a name. */

import { Logo } from "../components/Icon.js";
import { errorText } from "../lib/api.js";
import { html, useState } from "../vendor/htm-preact.js";

/** @param {{api: import("../lib/api.js").Api, onMe: (me: import("../types.js").Me) => void}} props */
export function RegisterPage({ api, onMe }) {
  const [failure, setFailure] = useState("");
  /** @param {SubmitEvent & {currentTarget: HTMLFormElement}} event */
  const onSubmit = async (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const body = {
      handle: String(form.get("handle")).trim().toLowerCase(),
      display_name: String(form.get("name")).trim(),
    };
    try {
      onMe(await api.call("POST", "/api/users", body));
    } catch (error) {
      setFailure(errorText(error));
    }
  };
  return html`
    <main class="auth">
      <form class="auth-card" onSubmit=${onSubmit}>
        <${Logo} />
        <h1>Welcome</h1>
        <p>Choose how other people find you.</p>
        <label>Name <input name="name" required maxlength="50" autocomplete="name" /></label>
        <label
          >Handle
          <input
            name="handle"
            required
            minlength="3"
            maxlength="30"
            pattern="[A-Za-z0-9_]{3,30}"
            autocomplete="username"
        /></label>
        ${failure && html`<p class="failure" role="alert">${failure}.</p>`}
        <button class="primary wide">Begin</button>
      </form>
    </main>
  `;
}
