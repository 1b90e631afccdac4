/** What the components share: the messenger at work, parts of its state, and the time. */

import { createContext, useContext, useEffect, useLayoutEffect, useRef, useState } from "../vendor/htm-preact.js";

/** @typedef {import("./messenger.js").Messenger} Messenger */

export const MessengerContext = createContext(/** @type {Messenger | null} */ (null));

/** @returns {Messenger} */
export function useMessenger() {
  const messenger = useContext(MessengerContext);
  if (!messenger) throw new Error("Nobody is signed in");
  return messenger;
}

/**
 * The whole state. Preact gathers many changes of one moment into one drawing.
 * @returns {import("../types.js").State}
 */
export function useMessengerState() {
  const { store } = useMessenger();
  const [state, setState] = useState(store.state);
  useEffect(() => {
    const listener = () => setState(store.state);
    listener();
    store.listeners.add(listener);
    return () => void store.listeners.delete(listener);
  }, [store]);
  return state;
}

/** The time, renewed every half a minute. */
export function useNow() {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/**
 * A listener on the document for as long as the component is there.
 * @param {string} type
 * @param {(event: any) => void} listener
 */
export function useDocumentEvent(type, listener) {
  const latest = useRef(listener);
  latest.current = listener;
  useLayoutEffect(() => {
    /** @param {Event} event */
    const call = (event) => latest.current(event);
    document.addEventListener(type, call);
    return () => document.removeEventListener(type, call);
  }, [type]);
}
