/** Sign-in: a choice of users on a local installation, Cognito's pages elsewhere. */

import { Avatar } from "../components/Avatar.js";
import { Logo } from "../components/Icon.js";
import { errorText } from "../lib/api.js";
import { listLocalUsers, signInLocally } from "../lib/CheckAuth.js";
import { startSignIn } from "../lib/cognito.js";
import { html, useEffect, useState } from "../vendor/htm-preact.js";

const SEARCH_DELAY = 150;
const RETRY_DELAY = 3_000;

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
  const [text, setText] = useState("");
  const { people, failure, retryNow } = useLocalUsers(text);
  const [refusal, setRefusal] = useState("");
  /** @param {string} handle @param {string} [name] */
  const choose = (handle, name) =>
    signInLocally(handle, name)
      .then(onSession)
      .catch((error) => setRefusal(errorText(error)));
  return html`
    <h1>Choose a user</h1>
    <p>This is a local installation: sign in as any of these users. Open a second browser as another one, and talk.</p>
    <label class="find-user">
      <span class="hidden">Find a user</span>
      <input
        type="search"
        placeholder="Find a user by name or handle"
        maxlength="51"
        value=${text}
        onInput=${(/** @type {{currentTarget: HTMLInputElement}} */ event) => setText(event.currentTarget.value)}
      />
    </label>
    <${NewUser} onChoose=${choose} />
    ${refusal && html`<p class="failure" role="alert">${refusal}.</p>`}
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
    ${people?.length === 0 && html`<p>${text ? `No user is called “${text}”.` : "There are no users yet."}</p>`}
    ${failure && html`<p class="failure" role="alert">${failure}. <button class="link" onClick=${retryNow}>Try again</button></p>`}
  `;
}

/** @param {{onChoose: (handle: string, name: string) => void}} props */
function NewUser({ onChoose }) {
  /** @param {SubmitEvent & {currentTarget: HTMLFormElement}} event */
  const onSubmit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    onChoose(String(form.get("handle")).trim().toLowerCase(), String(form.get("name")).trim());
  };
  return html`
    <details class="new-user">
      <summary>New user</summary>
      <form onSubmit=${onSubmit}>
        <label>Name <input name="name" required maxlength="50" autocomplete="off" /></label>
        <label>Handle <input name="handle" required pattern="[A-Za-z0-9_]{3,30}" title="3 to 30 letters, digits and _" autocomplete="off" /></label>
        <button class="primary wide">Register</button>
      </form>
    </details>
  `;
}

/**
 * Return the users that a search finds, null until the response comes. A request that fails is repeated.
 * @param {string} text
 */
function useLocalUsers(text) {
  const [people, setPeople] = useState(/** @type {{handle: string, display_name: string}[] | null} */ (null));
  const [failure, setFailure] = useState("");
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let timer = setTimeout(load, text ? SEARCH_DELAY : 0);
    let isCurrent = true;
    async function load() {
      try {
        const found = await listLocalUsers(text.trim());
        if (!isCurrent) return;
        setPeople(found);
        setFailure("");
      } catch (error) {
        if (!isCurrent) return;
        setFailure(errorText(error));
        timer = setTimeout(load, RETRY_DELAY);
      }
    }
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [text, attempt]);
  return { people, failure, retryNow: () => setAttempt(attempt + 1) };
}
