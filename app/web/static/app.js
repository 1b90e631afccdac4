/** The page: finds out who is there, then shows what its address says. */

import { Logo } from "./components/Icon.js";
import { MessageGroupFeed } from "./components/MessageGroupFeed.js";
import { Api, Problem, problemOf, reach } from "./lib/api.js";
import { checkAuth } from "./lib/CheckAuth.js";
import { MessengerContext, useMessenger, useMessengerState } from "./lib/hooks.js";
import { Messenger } from "./lib/messenger.js";
import { followLink, groupPath, navigate, routeOf } from "./lib/router.js";
import { unreadGroups } from "./lib/selectors.js";
import { MessageGroupNewPage } from "./pages/MessageGroupNewPage.js";
import { MessageGroupPage } from "./pages/MessageGroupPage.js";
import { MessageGroupsPage } from "./pages/MessageGroupsPage.js";
import { RegisterPage } from "./pages/RegisterPage.js";
import { SignInPage } from "./pages/SignInPage.js";
import { html, render, useEffect, useRef, useState } from "./vendor/htm-preact.js";

/** @typedef {import("./lib/CheckAuth.js").Session} Session */
/** @typedef {import("./types.js").Config} Config */

/**
 * How far getting in has come.
 * @typedef {{at: "start", failure: string} | {at: "door", failure: string} | {at: "register", session: Session}
 *   | {at: "inside", messenger: Messenger}} Entrance
 */

function App() {
  const [entrance, setEntrance] = useState(/** @type {Entrance} */ ({ at: "start", failure: "" }));
  const config = useRef(/** @type {Config | null} */ (null));

  /** @param {Session} session @param {import("./types.js").Me} me */
  const goInside = (session, me) => {
    if (!config.current) return;
    const messenger = new Messenger(session, config.current, me);
    session.onEnd = () => {
      messenger.stop();
      setEntrance({ at: "door", failure: "" });
    };
    messenger.outbox.onSent = (pending, message) => {
      messenger.stream.hurry(); // whoever answers a send serves events, too
      if (pending.handle && routeOf(location.pathname).page === "new")
        navigate(groupPath(message.message_group_uuid), { replace: true });
    };
    messenger.start();
    setEntrance({ at: "inside", messenger });
  };
  /** @param {Session | null} session */
  const take = async (session) => {
    if (!session) return setEntrance({ at: "door", failure: "" });
    try {
      goInside(session, await new Api(session).get("/api/users/me"));
    } catch (error) {
      if (!(error instanceof Problem && error.code === "unknown-user")) throw error;
      setEntrance({ at: "register", session });
    }
  };
  const begin = async () => {
    try {
      const answer = await reach("/api/config");
      if (!answer.ok) throw await problemOf(answer);
      config.current = await answer.json();
      await take(config.current && (await checkAuth(config.current)));
    } catch (error) {
      const failure = error instanceof Error ? error.message : "That did not work";
      setEntrance({ at: config.current && !(error instanceof TypeError) ? "door" : "start", failure });
    }
  };
  useEffect(() => void begin(), []);

  if (entrance.at === "inside") {
    return html`<${MessengerContext.Provider} value=${entrance.messenger}><${Inside} /><//>`;
  }
  if (entrance.at === "register") {
    const { session } = entrance;
    return html`<${RegisterPage}
      api=${new Api(session)}
      onMe=${(/** @type {import("./types.js").Me} */ me) => goInside(session, me)}
    />`;
  }
  if (entrance.at === "door" && config.current) {
    return html`<${SignInPage} config=${config.current} failure=${entrance.failure} onSession=${take} />`;
  }
  return html`<${Start} failure=${entrance.failure} onRetry=${begin} />`;
}

/** @param {{failure: string, onRetry: () => void}} props */
function Start({ failure, onRetry }) {
  return html`
    <main class="door">
      <div class="door-start">
        <${Logo} />
        ${failure && html`<p role="alert">${failure}. <button class="link" onClick=${onRetry}>Try again</button></p>`}
      </div>
    </main>
  `;
}

/** Inbox and conversation, side by side where there is room. */
function Inside() {
  const state = useMessengerState();
  const route = useRoute();
  const newHandle = route.page === "new" ? route.handle : null;
  const person = usePerson(newHandle);
  const unread = unreadGroups(state.groups);
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) Messages` : "Messages";
  }, [unread]);
  const newPerson = newHandle === null ? null : (person ?? null);
  return html`
    <main class="shell ${route.page === "groups" ? "" : "is-open"}" onClick=${followLink}>
      <section class="inbox" aria-label="Inbox">
        <${MessageGroupFeed} open=${route.page === "group" ? route.uuid : null} newPerson=${newPerson} />
      </section>
      <section class="conversation" aria-label="Conversation">
        ${route.page === "groups" && html`<${MessageGroupsPage} />`}
        ${route.page === "group" && html`<${MessageGroupPage} key=${route.uuid} uuid=${route.uuid} />`}
        ${route.page === "new" && html`<${MessageGroupNewPage} key=${route.handle} handle=${route.handle} person=${person} />`}
      </section>
    </main>
  `;
}

function useRoute() {
  const [route, setRoute] = useState(routeOf(location.pathname));
  useEffect(() => {
    const onMove = () => setRoute(routeOf(location.pathname));
    if (routeOf(location.pathname).page === "groups") navigate("/messages", { replace: true });
    window.addEventListener("popstate", onMove);
    return () => window.removeEventListener("popstate", onMove);
  }, []);
  useFocusBack(route);
  return route;
}

/**
 * Back in the inbox, the keyboard is where it was.
 * @param {import("./lib/router.js").Route} route
 */
function useFocusBack(route) {
  const before = useRef(route);
  useEffect(() => {
    const { current } = before;
    before.current = route;
    if (route.page !== "groups" || current.page !== "group") return;
    const link = document.querySelector(`[data-group="${current.uuid}"]`);
    if (link instanceof HTMLElement) link.focus();
  }, [route]);
}

/**
 * The person of a handle: undefined while looking, null if there is none.
 * @param {string | null} handle
 * @returns {import("./types.js").Person | null | undefined}
 */
function usePerson(handle) {
  const { api } = useMessenger();
  const [found, setFound] = useState(
    /** @type {{handle: string, person: import("./types.js").Person | null} | null} */ (null),
  );
  useEffect(() => {
    if (handle === null) return;
    const isUnknown = (/** @type {unknown} */ error) => error instanceof Problem && error.status === 404;
    api.get(`/api/users/@${handle}/short`).then(
      (person) => setFound({ handle, person }),
      (error) => isUnknown(error) && setFound({ handle, person: null }),
    );
  }, [handle, api]);
  return found?.handle === handle ? found?.person : undefined;
}

const root = document.getElementById("app");
if (root) render(html`<${App} />`, root);
