/** Gestures that open the menu of a message: a right click, a long press, and keys. */

/** Milliseconds after which a press is a long one, and pixels by which a finger may move meanwhile. */
const LONG_PRESS = 500;
const MAX_MOVE = 10;

export class MenuGestures {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #start = { x: 0, y: 0 };

  /** @param {(message: HTMLElement, at: import("../types.js").Point) => void} onMenu */
  constructor(onMenu) {
    this.onMenu = onMenu;
  }

  /** What an element listens to. */
  get listeners() {
    const { onContextMenu, onPointerDown, onPointerMove, cancel } = this;
    return { onContextMenu, onPointerDown, onPointerMove, onPointerUp: cancel, onPointerCancel: cancel };
  }

  /** @param {MouseEvent} event */
  onContextMenu = (event) => {
    this.cancel();
    const message = messageOf(event.target);
    if (!message || wantsNativeMenu(event.target)) return;
    event.preventDefault();
    this.onMenu(message, { x: event.clientX, y: event.clientY });
  };

  /** @param {PointerEvent} event */
  onPointerDown = (event) => {
    this.cancel();
    const message = messageOf(event.target);
    if (event.pointerType !== "touch" || !message || wantsNativeMenu(event.target)) return;
    this.#start = { x: event.clientX, y: event.clientY };
    this.#timer = setTimeout(() => {
      ignoreClick();
      this.onMenu(message, this.#start);
    }, LONG_PRESS);
  };

  /** @param {PointerEvent} event */
  onPointerMove = (event) => {
    if (Math.hypot(event.clientX - this.#start.x, event.clientY - this.#start.y) > MAX_MOVE) this.cancel();
  };

  cancel = () => clearTimeout(this.#timer);
}

/** Ignore the click that ends a long press: an item of the menu may be under the finger by then. */
function ignoreClick() {
  const listening = new AbortController();
  const options = { capture: true, signal: listening.signal };
  const ignore = (/** @type {Event} */ event) => {
    event.preventDefault();
    event.stopPropagation();
    listening.abort();
  };
  document.addEventListener("click", ignore, options);
  document.addEventListener("pointerdown", () => listening.abort(), options);
}

/**
 * Return whether a key opens the menu of the message that has the focus.
 * @param {KeyboardEvent} event
 */
export function isMenuKey({ key, shiftKey, target }) {
  const isOnMessage = target instanceof HTMLElement && target.dataset.number !== undefined;
  return isOnMessage && (key === "Enter" || key === "ContextMenu" || (key === "F10" && shiftKey));
}

/**
 * Return the point at which a menu that belongs to an element begins.
 * @param {Element} element
 */
export function pointBelow(element) {
  const { left, bottom } = element.getBoundingClientRect();
  return { x: left, y: bottom };
}

/** @param {EventTarget | null} target */
function messageOf(target) {
  const message = target instanceof Element ? target.closest("[data-number]") : null;
  return message instanceof HTMLElement ? message : null;
}

/**
 * Return whether the browser's own menu is of more use: for a link, a field and selected text.
 * @param {EventTarget | null} target
 */
function wantsNativeMenu(target) {
  const selection = getSelection();
  const isSelected = target instanceof Node && !selection?.isCollapsed && selection?.containsNode(target, true);
  return (target instanceof Element && target.closest("a, textarea") !== null) || isSelected === true;
}
