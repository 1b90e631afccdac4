/** The text of a message while it is edited in its place: Enter saves, Escape cancels. */

import { useMessenger } from "../lib/hooks.js";
import { countCharacters, sanitize } from "../lib/text.js";
import { html, useLayoutEffect, useRef, useState } from "../vendor/htm-preact.js";

/** @param {{text: string, onSave: (text: string) => void, onCancel: () => void}} props */
export function MessageEditor({ text, onSave, onCancel }) {
  const { config } = useMessenger();
  const area = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const [value, setValue] = useState(text);
  const left = config.message_max_length - countCharacters(value);
  const canSave = left >= 0 && left < config.message_max_length;
  const save = () => canSave && onSave(sanitize(value));
  useLayoutEffect(() => {
    area.current?.focus();
    area.current?.setSelectionRange(text.length, text.length);
  }, []);
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    event.stopPropagation(); // the keys of the feed are not meant
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) save();
    else if (event.key === "Escape") onCancel();
    else return;
    event.preventDefault();
  };
  return html`
    <div class="editor">
      <div class="grow" data-text=${value}>
        <textarea
          ref=${area}
          rows="1"
          dir="auto"
          aria-label="Edit message"
          aria-invalid=${left < 0 ? "true" : "false"}
          value=${value}
          onInput=${(/** @type {{currentTarget: HTMLTextAreaElement}} */ event) => setValue(event.currentTarget.value)}
          onKeyDown=${onKeyDown}
        ></textarea>
      </div>
      <p class="editor-buttons">
        ${left < 0 && html`<span role="alert">${-left} characters too many</span>`}
        <button class="link" onClick=${onCancel}>Cancel</button>
        <button class="link" disabled=${!canSave} onClick=${save}>Save</button>
      </p>
    </div>
  `;
}
