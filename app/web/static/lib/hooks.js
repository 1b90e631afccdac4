/** What components share: the messenger, its state, the time, events, and rendering only after a change. */

import {
  Component,
  createContext,
  useContext,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "../vendor/htm-preact.js";

/** @typedef {import("./messenger.js").Messenger} Messenger */

export const MessengerContext = createContext(/** @type {Messenger | null} */ (null));

/** @returns {Messenger} */
export function useMessenger() {
  const messenger = useContext(MessengerContext);
  if (!messenger) throw new Error("useMessenger() needs a MessengerContext above it");
  return messenger;
}

/**
 * Return the whole state. Preact renders once for all changes of one task.
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

/** Return the time in milliseconds, renewed every 30 s. */
export function useNow() {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/**
 * Listen to an event while the component is mounted.
 * @param {EventTarget} target
 * @param {string} type
 * @param {(event: any) => void} listener
 */
export function useEvent(target, type, listener) {
  const latest = useRef(listener);
  latest.current = listener;
  useLayoutEffect(() => {
    /** @param {Event} event */
    const call = (event) => latest.current(event);
    target.addEventListener(type, call);
    return () => target.removeEventListener(type, call);
  }, [target, type]);
}

/**
 * Return a component that renders again only if a property has another value.
 * @template {object} P
 * @param {(props: P) => import("../vendor/htm-preact.js").VNode} render
 */
export function memo(render) {
  /** @extends {Component<P>} */
  class Memo extends Component {
    /** @param {P} next */
    shouldComponentUpdate(next) {
      const names = /** @type {(keyof P)[]} */ (Object.keys(next));
      return names.some((name) => next[name] !== this.props[name]);
    }

    render() {
      return render(this.props);
    }
  }
  return Memo;
}
