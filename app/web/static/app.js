/** The page: restores the session, then renders the route of its address. */

import { Logo } from "./components/Icon.js";
import { MessageGroupFeed } from "./components/MessageGroupFeed.js";
import { Api, errorText, fetchJson, Problem } from "./lib/api.js";
import { Backoff } from "./lib/backoff.js";
import { checkAuth } from "./lib/CheckAuth.js";
import { MessengerContext, useEvent, useMessenger, useMessengerState } from "./lib/hooks.js";
import { Messenger } from "./lib/messenger.js";
import { showBadge } from "./lib/notifications.js";
import { followLink, INBOX_PATH, navigate, parseRoute } from "./lib/router.js";
import { countUnreadGroups, isOnline } from "./lib/selectors.js";
import { applyGroups } from "./lib/store.js";
import { MessageGroupNewPage } from "./pages/MessageGroupNewPage.js";
import { MessageGroupPage } from "./pages/MessageGroupPage.js";
import { MessageGroupsPage } from "./pages/MessageGroupsPage.js";
import { RegisterPage } from "./pages/RegisterPage.js";
import { SignInPage } from "./pages/SignInPage.js";
import { html, render, useEffect, useRef, useState } from "./vendor/htm-preact.js";

/** @typedef {import("./lib/CheckAuth.js").Session} Session */
/** @typedef {import("./types.js").Config} Config */

/**
 * @typedef {{status: "starting", failure: string, onRetry?: () => void} | {status: "signedOut", failure: string}
 *   | {status: "unregistered", session: Session} | {status: "ready", messenger: Messenger}} AuthState
 */

function App() {
  const [auth, setAuth] = useState(/** @type {AuthState} */ ({ status: "starting", failure: "" }));
  const config = useRef(/** @type {Config | null} */ (null));
  const backoff = useRef(new Backoff()).current;
  useEvent(window, "online", () => backoff.retryNow());

  /** @param {Session} session @param {import("./types.js").Me} me */
  const startMessenger = (session, me) => {
    if (!config.current) return;
    const messenger = new Messenger(session, config.current, me);
    const leave = (/** @type {string} */ failure) => {
      messenger.stop();
      document.title = "Messages";
      setAuth({ status: "signedOut", failure });
    };
    session.onRefused = leave; // unsent messages stay until the user signs in again
    messenger.onSignedOut = () => {
      history.replaceState(null, "", INBOX_PATH);
      leave("");
    };
    messenger.outbox.onSent = async (pending, message) => {
      messenger.stream.retryNow(); // a server that takes messages can serve events
      messenger.notifications.onSent();
      if (pending.handle) await messenger.conversation.loadGroup(message.message_group_uuid);
    };
    messenger.start();
    setAuth({ status: "ready", messenger });
  };
  /**
   * Return what the work returns; meanwhile show why it has to be repeated.
   * @template T
   * @param {() => Promise<T>} work
   */
  const persist = (work) =>
    backoff.repeat(work, (error) =>
      setAuth({ status: "starting", failure: errorText(error), onRetry: () => backoff.retryNow() }),
    );
  /** @param {Session | null} session */
  const onSession = async (session) => {
    if (!session) return setAuth({ status: "signedOut", failure: "" });
    try {
      startMessenger(session, await persist(() => new Api(session).get("/api/users/me")));
    } catch (error) {
      if (!(error instanceof Problem && error.code === "unknown-user")) throw error;
      setAuth({ status: "unregistered", session });
    }
  };
  const restoreSession = async () => {
    try {
      const loaded = /** @type {Config} */ (await persist(() => fetchJson("/api/config")));
      config.current = loaded;
      await onSession(await persist(() => checkAuth(loaded)));
    } catch (error) {
      const failure = errorText(error);
      setAuth(
        config.current ? { status: "signedOut", failure } : { status: "starting", failure, onRetry: restoreSession },
      );
    }
  };
  useEffect(() => void restoreSession(), []);

  if (auth.status === "ready") {
    return html`<${MessengerContext.Provider} value=${auth.messenger}><${Shell} /><//>`;
  }
  if (auth.status === "unregistered") {
    const { session } = auth;
    return html`<${RegisterPage}
      api=${new Api(session)}
      onMe=${(/** @type {import("./types.js").Me} */ me) => startMessenger(session, me)}
    />`;
  }
  if (auth.status === "signedOut" && config.current) {
    return html`<${SignInPage} config=${config.current} failure=${auth.failure} onSession=${onSession} />`;
  }
  return html`<${StartPage} ...${auth} />`;
}

/** @param {{failure: string, onRetry?: () => void}} props */
function StartPage({ failure, onRetry }) {
  return html`
    <main class="auth">
      <div class="auth-start">
        <${Logo} />
        ${failure && html`<p role="alert">${failure}. <button class="link" onClick=${onRetry}>Try again</button></p>`}
      </div>
    </main>
  `;
}

/** Inbox and conversation: side by side in a wide window, one at a time in a narrow one. */
function Shell() {
  const state = useMessengerState();
  const route = useRoute();
  const newHandle = route.page === "new" ? route.handle : null;
  const person = usePerson(newHandle);
  const unread = countUnreadGroups(state.groups);
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Messages` : "Messages";
    showBadge(unread);
  }, [unread]);
  const newPerson = newHandle === null ? null : (person ?? null);
  return html`
    <main class="shell ${route.page === "groups" ? "" : "is-open"}" onClick=${followLink}>
      <section class="inbox" aria-label="Inbox">
        <${MessageGroupFeed} open=${route.page === "group" ? route.uuid : null} newPerson=${newPerson} />
      </section>
      <section class="conversation" aria-label="Conversation">
        ${route.page === "groups" && html`<${MessageGroupsPage} />`}
        ${route.page === "group" && html`<${MessageGroupPage} key=${route.uuid} uuid=${route.uuid} number=${route.number} />`}
        ${route.page === "new" && html`<${MessageGroupNewPage} key=${route.handle} handle=${route.handle} person=${person} />`}
      </section>
    </main>
  `;
}

function useRoute() {
  const [route, setRoute] = useState(parseRoute(location.pathname));
  useEffect(() => {
    const onNavigation = () => setRoute(parseRoute(location.pathname));
    if (parseRoute(location.pathname).page === "groups") navigate(INBOX_PATH, { replace: true });
    window.addEventListener("popstate", onNavigation);
    return () => window.removeEventListener("popstate", onNavigation);
  }, []);
  useFocusRestore(route);
  return route;
}

/**
 * Focus the link of the conversation that was left for the inbox.
 * @param {import("./lib/router.js").Route} route
 */
function useFocusRestore(route) {
  const before = useRef(route);
  useEffect(() => {
    const left = before.current;
    before.current = route;
    if (route.page !== "groups" || left.page !== "group") return;
    const link = document.querySelector(`[data-group="${left.uuid}"]`);
    if (link instanceof HTMLElement) link.focus();
  }, [route]);
}

/**
 * Return the user of a handle: undefined until the response comes, null if there is none. A group with the user that
 * exists comes into the state first, so that it is never shown as new.
 * @param {string | null} handle
 * @returns {import("./types.js").Person | null | undefined}
 */
function usePerson(handle) {
  const { api, store } = useMessenger();
  const online = isOnline(useMessengerState());
  const [result, setResult] = useState(
    /** @type {{handle: string, person: import("./types.js").Person | null} | null} */ (null),
  );
  useEffect(() => {
    if (handle === null || result?.handle === handle) return;
    const path = `/api/users/@${handle}`;
    Promise.all([getIfThere(api, `${path}/short`), getIfThere(api, `${path}/message_group`)]).then(
      ([person, group]) => {
        if (group) store.update((state) => applyGroups(state, [group]));
        setResult({ handle, person });
      },
      () => {}, // asked again when the connection is back
    );
  }, [handle, online, api]);
  return result?.handle === handle ? result.person : undefined;
}

/**
 * Return the JSON of a GET, or null if there is no such thing.
 * @param {Api} api
 * @param {string} path
 */
async function getIfThere(api, path) {
  try {
    return await api.get(path);
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

const root = document.getElementById("app");
if (root) render(html`<${App} />`, root);
