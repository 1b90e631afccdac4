/** Where one writes: Enter sends, Shift+Enter begins a new line, the count goes down from what a message may have. */

import { useMessenger } from "../lib/hooks.js";
import { cleaned, lengthOf } from "../lib/text.js";
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";
import { Icon } from "./Icon.js";
import { Quote } from "./MessageItem.js";

const FEW_LEFT = 100;

/** What was begun in each conversation, for as long as the page is open. @type {Map<string, string>} */
const drafts = new Map();

/**
 * @param {{target: {group: string | null, handle: string | null}, name: string, reply: import("../types.js").Message | null,
 *   onReplyEnd: () => void, onLeave: () => void, onUp?: () => void}} props
 */
export function MessageForm({ target, name, reply, onReplyEnd, onLeave, onUp = () => {} }) {
  const messenger = useMessenger();
  const key = target.group ?? `@${target.handle}`;
  const [text, setText] = useState(drafts.get(key) ?? "");
  const area = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const length = lengthOf(text);
  const left = messenger.config.message_max_length - length;
  const maySend = length > 0 && left >= 0;

  useEffect(() => {
    if (reply || matchMedia("(hover: hover)").matches) area.current?.focus();
  }, [reply, key]);

  /** @param {string} next */
  const change = (next) => {
    setText(next);
    drafts.set(key, next);
    if (!target.group) return;
    if (next.trim()) messenger.typing.typed(target.group);
    else messenger.typing.stopped();
  };
  const send = () => {
    if (!maySend) return;
    messenger.outbox.add(target, cleaned(text), reply?.number ?? null);
    messenger.typing.sent();
    void messenger.conversation.newest();
    setText("");
    drafts.delete(key);
    onReplyEnd();
    area.current?.focus();
  };
  /** @param {Event} event */
  const onSubmit = (event) => {
    event.preventDefault();
    send();
  };
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send();
    else if (event.key === "ArrowUp" && text === "") onUp();
    else if (event.key === "Escape") (reply ? onReplyEnd : onLeave)();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`
    <form class="composer" onSubmit=${onSubmit}>
      ${
        reply &&
        html`<div class="composer-reply">
          <${Quote} message=${reply} />
          <button type="button" class="round quiet" aria-label="Do not reply" onClick=${onReplyEnd}>
            <${Icon} name="close" />
          </button>
        </div>`
      }
      <div class="composer-field">
        <div class="grow" data-text=${text}>
          <textarea
            ref=${area}
            rows="1"
            dir="auto"
            aria-label=${`Message to ${name}`}
            aria-describedby="count"
            aria-invalid=${left < 0 ? "true" : "false"}
            placeholder=${`Message ${name}`}
            value=${text}
            onInput=${(/** @type {{currentTarget: HTMLTextAreaElement}} */ event) => change(event.currentTarget.value)}
            onKeyDown=${onKeyDown}
          ></textarea>
        </div>
        <span id="count" class="count ${left < 0 ? "over" : left < FEW_LEFT ? "few" : ""}" hidden=${length === 0}>
          ${left}<span class="hidden"> characters left</span>
        </span>
        <button class="send round primary" aria-label="Send" disabled=${!maySend}><${Icon} name="send" /></button>
      </div>
    </form>
  `;
}
