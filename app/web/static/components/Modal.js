/** A modal dialog. It is closed by Escape and by a press beside it, and gives the focus back. */

import { html, useLayoutEffect, useRef } from "../vendor/htm-preact.js";

/** Pixels between a dialog that stands at a point and the edges of the window. */
const MARGIN = 8;

/**
 * @param {{label: string, kind: string, at?: import("../types.js").Point | null, onClose: () => void,
 *   children?: import("../vendor/htm-preact.js").Child}} props at: where it stands in a wide window
 */
export function Modal({ label, kind, at = null, onClose, children }) {
  const ref = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useLayoutEffect(() => {
    ref.current?.showModal();
    if (at && ref.current && matchMedia("(min-width: 46rem)").matches) place(ref.current, at);
  }, []);
  /** @param {PointerEvent} event */
  const onPointerDown = (event) => {
    if (ref.current && event.target === ref.current && isBeside(event, ref.current)) ref.current.close();
  };
  return html`
    <dialog
      class="dialog ${kind}"
      ref=${ref}
      aria-label=${label}
      onClose=${onClose}
      onPointerDown=${onPointerDown}
    >
      ${children}
    </dialog>
  `;
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {import("../types.js").Point} at
 */
function place(dialog, at) {
  const left = Math.min(at.x, innerWidth - dialog.offsetWidth - MARGIN);
  const top = Math.min(at.y, innerHeight - dialog.offsetHeight - MARGIN);
  dialog.style.inset = `${Math.max(MARGIN, top)}px auto auto ${Math.max(MARGIN, left)}px`;
  dialog.style.margin = "0";
}

/**
 * @param {PointerEvent} event
 * @param {Element} element
 */
function isBeside(event, element) {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return event.clientX < left || event.clientX > right || event.clientY < top || event.clientY > bottom;
}

/**
 * Close the dialog that an element is in.
 * @param {EventTarget | null} inside
 */
export function closeDialog(inside) {
  if (inside instanceof Element) inside.closest("dialog")?.close();
}
