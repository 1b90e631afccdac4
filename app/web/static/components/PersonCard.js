/** A dialog that shows who a user is. */

import { useMessenger } from "../lib/hooks.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/htm-preact.js";
import { Avatar } from "./Avatar.js";
import { BlockControl } from "./BlockControl.js";
import { ReportDialog } from "./ReportDialog.js";

/**
 * A button that shows the card of a user.
 * @param {{name: string, handle: string | null, tabindex?: number, look?: string,
 *   children?: import("../vendor/htm-preact.js").Child}} props
 */
export function PersonButton({ name, handle, tabindex = 0, look = "person-button", children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [isOpen, setOpen] = useState(false);
  const [isReporting, setReporting] = useState(false);
  const onReport = () => {
    dialog.current?.close();
    setReporting(true);
  };
  useLayoutEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);
  return html`
    <button class=${look} tabindex=${tabindex} aria-label=${`About ${name}`} onClick=${() => setOpen(true)}>
      ${children}
    </button>
    ${
      isOpen &&
      html`<dialog class="dialog person-card" ref=${dialog} aria-label=${`About ${name}`} onClose=${() => setOpen(false)}>
        <${Avatar} name=${name} handle=${handle} size="large" />
        <p class="name" dir="auto">${name}</p>
        <p class="handle">${handle ? `@${handle}` : "This account was deleted"}</p>
        ${handle && html`<${About} handle=${handle} />`}
        <p class="hint">Names are not unique and may change. A handle belongs to one user and never changes.</p>
        ${handle && html`<${BlockControl} name=${name} handle=${handle} />`}
        <p class="dialog-buttons">
          ${handle && html`<button class="quiet" onClick=${onReport}>Report</button>`}
          <button class="primary" autofocus onClick=${() => dialog.current?.close()}>Close</button>
        </p>
      </dialog>`
    }
    ${isReporting && html`<${ReportDialog} target=${{ handle }} name=${name} onClose=${() => setReporting(false)} />`}
  `;
}

/**
 * What a user says about the own person, once it is loaded.
 * @param {{handle: string}} props
 */
function About({ handle }) {
  const { api } = useMessenger();
  const [about, setAbout] = useState("");
  useEffect(() => {
    api.get(`/api/users/@${handle}`).then(
      (/** @type {import("../types.js").Profile} */ profile) => setAbout(profile.about),
      () => {}, // the card says the rest
    );
  }, [handle, api]);
  return about && html`<p class="about" dir="auto">${about}</p>`;
}
