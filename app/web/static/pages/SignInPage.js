/** Sign-in: a choice of users on a local installation, Cognito's pages elsewhere. */

import { Avatar } from "../components/Avatar.js";
import { Logo } from "../components/Icon.js";
import { errorText } from "../lib/api.js";
import { listLocalUsers, signInLocally } from "../lib/CheckAuth.js";
import { startSignIn } from "../lib/cognito.js";
import { html, useEffect, useState } from "../vendor/htm-preact.js";

/** @typedef {import("../lib/CheckAuth.js").Session} Session */
/** @typedef {import("../types.js").Config} Config */

/** @param {{config: Config, failure: string, onSession: (session: Session) => void}} props */
export function SignInPage({ config, failure, onSession }) {
  const signIn = config.sign_in;
  return html`
    <main class="auth">
      <div class="auth-card">
        <${Logo} />
        ${signIn.kind === "local" && html`<${ChooseUser} onSession=${onSession} />`}
        ${
          signIn.kind === "cognito" &&
          html`
            <h1>Messages</h1>
            <p>Write to the people you know.</p>
            <button class="primary wide" onClick=${() => startSignIn(signIn, location.pathname)}>Sign in</button>
          `
        }
        ${
          signIn.kind === "none" &&
          html`
            <h1>Messages</h1>
            <p>
              Sign-in is not configured. The operator of this service sets <code>COGNITO_DOMAIN_URL</code>.
            </p>
          `
        }
        ${failure && html`<p class="failure" role="alert">${failure}</p>`}
      </div>
    </main>
  `;
}

/** @param {{onSession: (session: Session) => void}} props */
function ChooseUser({ onSession }) {
  const [people, setPeople] = useState(/** @type {{handle: string, display_name: string}[] | null} */ (null));
  const [failure, setFailure] = useState("");
  /** @param {unknown} error */
  const fail = (error) => setFailure(errorText(error));
  const load = () => void listLocalUsers().then(setPeople, fail);
  useEffect(load, []);
  /** @param {string} handle */
  const choose = (handle) => signInLocally(handle).then(onSession).catch(fail);
  return html`
    <h1>Choose a user</h1>
    <p>This is a local installation: sign in as any of these users. Open a second browser as another one, and talk.</p>
    <ul class="people" role="list">
      ${people?.map(
        (person) =>
          html`<li key=${person.handle}>
            <button class="person" onClick=${() => choose(person.handle)}>
              <${Avatar} name=${person.display_name} handle=${person.handle} size="large" />
              <span class="name" dir="auto">${person.display_name}</span>
              <span class="handle">@${person.handle}</span>
            </button>
          </li>`,
      )}
    </ul>
    ${people?.length === 0 && html`<p>There are no users yet. Run <code>cruddur seed</code> to create some.</p>`}
    ${failure && html`<p class="failure" role="alert">${failure}. <button class="link" onClick=${load}>Try again</button></p>`}
  `;
}
