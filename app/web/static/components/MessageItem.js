/** The rows of a conversation: messages, pending messages, and separators. */

import { pointBelow } from "../lib/gestures.js";
import { isEmojiOnly, partsOf } from "../lib/markup.js";
import { mentionedMembers } from "../lib/mentions.js";
import { INBOX_PATH } from "../lib/router.js";
import { beginningOf } from "../lib/text.js";
import { dayLabel, formatFullTime, formatTime } from "../lib/time.js";
import { hasExpired } from "../lib/visibility.js";
import { html, useState } from "../vendor/htm-preact.js";
import { Avatar } from "./Avatar.js";
import { ChangeFailure } from "./ChangeFailure.js";
import { SenderName } from "./groups/SenderName.js";
import { Icon } from "./Icon.js";
import { MessageEditor } from "./MessageEditor.js";
import { PersonButton } from "./PersonCard.js";
import { Reactions } from "./Reactions.js";
import { Receipt } from "./Receipt.js";

/** @typedef {import("../types.js").Message} Message */
/** @typedef {import("../types.js").Quoted} Quoted */

/** What stands where a message was deleted for all members. */
export const DELETED = "Message deleted";
/** What stands for a text that expires where it is not shown, and where it has expired. */
export const EXPIRING = "Disappearing message";
export const EXPIRED = "Message expired";

/**
 * @typedef {object} ItemProps
 * @property {Message} message with the changes that are on their way
 * @property {boolean} isOwn
 * @property {boolean} isFirst
 * @property {boolean} isLast
 * @property {Quoted | null} quoted
 * @property {import("./Receipt.js").ReceiptKind | null} receipt
 * @property {import("../types.js").PendingChange[]} changes pending ones of this message
 * @property {boolean} isOnline
 * @property {import("./MessageActions.js").Actions} actions
 * @property {(number: number) => void} onJump
 * @property {import("../lib/mentions.js").Member[]} members
 * @property {string} me
 * @property {boolean} isNamed whether the name of the sender stands above it
 */

/** @param {ItemProps} props */
export function MessageItem(props) {
  const { message, isOwn, isFirst, isLast, changes, actions } = props;
  const { reactions } = message;
  const time = formatTime(message.created_at);
  return html`
    <article
      class=${classesOf({ isOwn, isFirst, isLast })}
      data-number=${message.number}
      tabindex="-1"
      aria-label=${`${isOwn ? "You" : message.display_name}, ${time}`}
    >
      ${!isOwn && html`<span class="side">${isLast && html`<${PersonButton} name=${message.display_name} handle=${message.handle} tabindex=${-1}><${Avatar} name=${message.display_name} handle=${message.handle} size="small" /><//>`}</span>`}
      <div class="bubble-row"><${Bubble} ...${props} /><${Tools} message=${message} actions=${actions} /></div>
      ${reactions.length > 0 && html`<${Reactions} reactions=${reactions} onReact=${(/** @type {string} */ emoji) => actions.onReact(message, emoji)} />`}
      <${Meta} ...${props} />
      ${changes
        .filter((each) => each.refusal !== null)
        .map(
          (each) =>
            html`<${ChangeFailure}
              key=${each.uuid}
              change=${each}
              canEdit=${actions.canEdit(message)}
              onEdit=${(/** @type {string} */ text) => actions.onEdit(message, text)}
              onDiscard=${() => actions.onDiscard(each.uuid)}
            />`,
        )}
    </article>
  `;
}

/** @param {ItemProps} props */
function Bubble({ message, quoted, actions, onJump, members, me, isNamed }) {
  const replyTo = message.reply_to;
  const { editing } = actions;
  const content = () => {
    if (message.deleted_at) return html`<p class="text deleted">${DELETED}</p>`;
    if (hasExpired(message, Date.now())) return html`<p class="text deleted">${EXPIRED}</p>`;
    if (editing?.number !== message.number)
      return html`<${Text} text=${message.message} me=${me} mentioned=${mentionedMembers(message.mentions, members)} />`;
    return html`<${MessageEditor}
      text=${editing.text}
      members=${members}
      onSave=${(/** @type {string} */ text, /** @type {string[]} */ mentions) => actions.onSave(message, text, mentions)}
      onCancel=${() => actions.onCancel(message)}
    />`;
  };
  const isForMe = message.user_uuid !== me && message.mentions.some((each) => each.user_uuid === me);
  return html`
    <div class="bubble ${isForMe ? "for-me" : ""}">
      ${isNamed && html`<${SenderName} name=${message.display_name} handle=${message.handle} />`}
      ${replyTo !== null && !message.deleted_at && !hasExpired(message, Date.now()) && html`<${Quote} message=${quoted} onClick=${() => onJump(replyTo)} />`}
      ${content()}
    </div>
  `;
}

/** @param {{message: Message, actions: import("./MessageActions.js").Actions}} props */
function Tools({ message, actions }) {
  const onMore = (/** @type {{currentTarget: Element}} */ event) =>
    actions.onMenu(message, pointBelow(event.currentTarget));
  return html`
    ${
      !message.deleted_at &&
      !hasExpired(message, Date.now()) &&
      html`<button class="tool reply" tabindex="-1" aria-label="Reply" title="Reply (r)" onClick=${() => actions.onReply(message)}>
        <${Icon} name="reply" />
      </button>`
    }
    <button class="tool more" tabindex="-1" aria-label="Actions" aria-haspopup="menu" title="Actions (Enter)" onClick=${onMore}>
      <${Icon} name="more" />
    </button>
  `;
}

/** @param {ItemProps} props */
function Meta({ message, isLast, receipt, changes, isOnline, actions }) {
  const isWaiting = changes.some((each) => each.refusal === null);
  const isEdited = message.edited_at !== null && message.deleted_at === null;
  const expiresAt = hasExpired(message, Date.now()) ? null : message.expires_at;
  if (!isLast && !receipt && !isEdited && !isWaiting && !expiresAt) return null;
  return html`
    <p class="meta">
      <time datetime=${message.created_at} title=${formatFullTime(message.created_at)}>${formatTime(message.created_at)}</time>
      ${isEdited && html`<button class="edited" tabindex="-1" title=${formatFullTime(message.edited_at ?? "")} onClick=${() => actions.onShowEdits(message)}>edited</button>`}
      ${expiresAt && html`<time class="expires" datetime=${expiresAt} title=${formatFullTime(expiresAt)}>disappears ${formatTime(expiresAt)}</time>`}
      ${isWaiting && html`<span class="sending">${isOnline ? "Saving…" : "Will be saved when you are back online"}</span>`}
      ${receipt && html`<${Receipt} kind=${receipt} />`}
    </p>
  `;
}

/**
 * @param {{pending: import("../types.js").Pending, isFirst: boolean, isLast: boolean, quoted: Quoted | null, isOnline: boolean,
 *   onRetry: () => void, onDiscard: () => void}} props
 */
export function PendingItem({ pending, isFirst, isLast, quoted, isOnline, onRetry, onDiscard }) {
  const state = pending.refusal === null ? "waiting" : "refused";
  return html`
    <article
      class="${classesOf({ isOwn: true, isFirst, isLast })} ${state}"
      data-pending=${pending.uuid}
      tabindex="-1"
      aria-label="You"
    >
      <div class="bubble-row">
        <div class="bubble">${pending.reply_to !== null && html`<${Quote} message=${quoted} />`}<${Text} text=${pending.text} /></div>
      </div>
      ${
        pending.refusal === null
          ? isLast &&
            html`<p class="meta">
              <span class="sending"><${Icon} name="clock" /> ${isOnline ? "Sending…" : "Will be sent when you are back online"}</span>
            </p>`
          : html`<p class="meta failure" role="alert">
              <${Icon} name="alert" /><span>Not sent. ${pending.refusal}</span>
              <button class="link" onClick=${onRetry}>Try again</button>
              <button class="link" onClick=${onDiscard}>Delete</button>
            </p>`
      }
    </article>
  `;
}

/**
 * The text of a message. Of a very tall one the beginning is shown, until the reader asks for all of it.
 * @param {{text: string, mentioned?: import("../lib/mentions.js").Member[], me?: string}} props
 */
function Text({ text, mentioned = [], me = "" }) {
  const [isOpen, setOpen] = useState(false);
  const beginning = beginningOf(text);
  const isTall = beginning !== text;
  const shown = isOpen ? text : beginning;
  return html`
    <p class="text ${isEmojiOnly(text) ? "big" : ""}" dir="auto">${partsOf(shown, mentioned).map((part) => elementOf(part, me))}</p>
    ${isTall && html`<button class="link fold" onClick=${() => setOpen(!isOpen)}>${isOpen ? "Show less" : "Show all"}</button>`}
  `;
}

/**
 * @param {import("../lib/markup.js").Part} part
 * @param {string} me
 */
function elementOf({ kind, text, href, member }, me) {
  if (kind === "mention")
    return html`<${PersonButton} name=${member?.display_name} handle=${member?.handle} look="mention ${member?.uuid === me ? "is-me" : ""}">${text}<//>`;
  if (kind === "link") return html`<${Link} text=${text} href=${href} />`;
  if (kind === "emphasis") return html`<em>${text}</em>`;
  return kind === "plain" ? text : html`<code class=${kind}>${text}</code>`;
}

/** @param {{text: string, href: string}} props */
function Link({ text, href }) {
  const isOfPage = href.startsWith(location.origin + INBOX_PATH);
  if (isOfPage) return html`<a href=${href}>${text}</a>`; // followed without leaving the page
  return html`<a href=${href} target="_blank" rel="noopener noreferrer nofollow">${text}</a>`;
}

/** @param {{message: Quoted | null, onClick?: () => void}} props message: null if it cannot be shown */
export function Quote({ message, onClick }) {
  const text = message && quotedText(message);
  const content = html`
    <span class="quote-name" dir="auto">${message?.display_name ?? "Reply"}</span>
    <span class="quote-text" dir="auto">${text ?? "to a message that cannot be shown"}</span>
  `;
  return onClick
    ? html`<button class="quote" onClick=${onClick}>${content}</button>`
    : html`<div class="quote">${content}</div>`;
}

/** @param {Quoted} message */
function quotedText(message) {
  if (message.deleted_at || message.is_hidden) return DELETED;
  if (message.message || !message.expires_at) return message.message;
  return hasExpired(message, Date.now()) ? EXPIRED : EXPIRING;
}

/** @param {{at: string, now: number}} props */
export function DaySeparator({ at, now }) {
  return html`<div class="day"><time datetime=${at}>${dayLabel(at, now)}</time></div>`;
}

export function UnreadLine() {
  return html`<div class="unread-line"><span>New</span></div>`;
}

/** @param {{isOwn: boolean, isFirst: boolean, isLast: boolean}} place */
function classesOf({ isOwn, isFirst, isLast }) {
  return ["message", isOwn && "own", isFirst && "first", isLast && "last"].filter(Boolean).join(" ");
}
