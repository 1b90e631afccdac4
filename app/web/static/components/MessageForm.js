/** The composer: Enter sends, Shift+Enter starts a new line, a counter shows the characters that are left. */

import { useMessenger } from "../lib/hooks.js";
import { mentionedIn } from "../lib/mentions.js";
import { countCharacters, sanitize } from "../lib/text.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/htm-preact.js";
import { Icon } from "./Icon.js";
import { useMentionList } from "./MentionList.js";
import { Quote } from "./MessageItem.js";

const LOW_COUNT = 100;
/** Lifetimes of a message, in seconds. */
const LIFETIMES = [
  { seconds: 0, label: "Stays" },
  { seconds: 3600, label: "1 hour" },
  { seconds: 86_400, label: "1 day" },
  { seconds: 604_800, label: "1 week" },
];

/**
 * @param {{target: {group: string | null, handle: string | null}, draftKey: string, name: string,
 *   members: import("../lib/mentions.js").Member[], reply: import("../types.js").Message | null,
 *   onReplyEnd: () => void, onLeave: () => void, onUp?: () => void}} props
 */
export function MessageForm({ target, draftKey, name, members, reply, onReplyEnd, onLeave, onUp = () => {} }) {
  const messenger = useMessenger();
  const [text, setText] = useState(() => messenger.drafts.get(draftKey));
  const area = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const [lifetime, setLifetime] = useState(0);
  const length = countCharacters(text);
  const left = messenger.config.message_max_length - length;
  const canSend = length > 0 && left >= 0;

  useLayoutEffect(() => {
    if (reply || matchMedia("(hover: hover)").matches) area.current?.focus();
  }, [reply, draftKey]);
  useEffect(() => {
    messenger.drafts.refresh();
    return () => messenger.drafts.refresh();
  }, [draftKey, messenger]);

  /** @param {string} next */
  const onInput = (next) => {
    setText(next);
    messenger.drafts.set(draftKey, next);
    if (!target.group || messenger.store.state.settings?.typing === false) return;
    if (next.trim()) messenger.typing.onInput(target.group);
    else messenger.typing.stop();
  };
  const mentions = useMentionList({ id: "mention-list", area, members, onText: onInput });
  const send = () => {
    if (!canSend) return;
    messenger.outbox.add(target, sanitize(text), reply, mentionedIn(text, members), lifetime || null);
    messenger.typing.onSent();
    void messenger.conversation.showNewest();
    setText("");
    messenger.drafts.set(draftKey, "");
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
    if (mentions.onKeyDown(event)) return;
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
          <button type="button" class="round quiet" aria-label="Cancel reply" onClick=${onReplyEnd}>
            <${Icon} name="close" />
          </button>
        </div>`
      }
      ${mentions.list}
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
            ...${mentions.attributes}
            onInput=${(/** @type {{currentTarget: HTMLTextAreaElement}} */ event) => {
              onInput(event.currentTarget.value);
              mentions.look();
            }}
            onKeyDown=${onKeyDown}
          ></textarea>
        </div>
        <select
          class="lifetime"
          aria-label="Disappears after"
          title="Disappears after"
          hidden=${length === 0 && lifetime === 0}
          value=${lifetime}
          onChange=${(/** @type {{currentTarget: HTMLSelectElement}} */ event) => setLifetime(Number(event.currentTarget.value))}
        >
          ${LIFETIMES.map(({ seconds, label }) => html`<option key=${seconds} value=${seconds}>${label}</option>`)}
        </select>
        <span id="count" class="count ${left < 0 ? "over" : left < LOW_COUNT ? "few" : ""}" hidden=${length === 0}>
          ${left}<span class="hidden"> characters left</span>
        </span>
        <button class="send round primary" aria-label="Send" disabled=${!canSend}><${Icon} name="send" /></button>
      </div>
    </form>
  `;
}
