/** The text of a message while it is edited in its place: Enter saves, Escape cancels. */

import { useMessenger } from "../lib/hooks.js";
import { mentionedIn } from "../lib/mentions.js";
import { countCharacters, sanitize } from "../lib/text.js";
import { html, useLayoutEffect, useRef, useState } from "../vendor/htm-preact.js";
import { useMentionList } from "./MentionList.js";

/**
 * @param {{text: string, members: import("../lib/mentions.js").Member[], onCancel: () => void,
 *   onSave: (text: string, mentions: string[]) => void}} props
 */
export function MessageEditor({ text, members, onSave, onCancel }) {
  const { config } = useMessenger();
  const area = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const [value, setValue] = useState(text);
  const left = config.message_max_length - countCharacters(value);
  const canSave = left >= 0 && left < config.message_max_length;
  const save = () => canSave && onSave(sanitize(value), mentionedIn(value, members));
  const mentions = useMentionList({ id: "editor-mention-list", area, members, onText: setValue });
  useLayoutEffect(() => {
    area.current?.focus();
    area.current?.setSelectionRange(text.length, text.length);
  }, []);
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (mentions.onKeyDown(event)) return;
    event.stopPropagation(); // the keys of the feed are not meant
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) save();
    else if (event.key === "Escape") onCancel();
    else return;
    event.preventDefault();
  };
  return html`
    <div class="editor">
      ${mentions.list}
      <div class="grow" data-text=${value}>
        <textarea
          ref=${area}
          rows="1"
          dir="auto"
          aria-label="Edit message"
          aria-invalid=${left < 0 ? "true" : "false"}
          value=${value}
          ...${mentions.attributes}
          onInput=${(/** @type {{currentTarget: HTMLTextAreaElement}} */ event) => {
            setValue(event.currentTarget.value);
            mentions.look();
          }}
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
