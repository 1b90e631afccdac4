/** A conversation's messages: pages both ways without a jump, follows its end, and notices what was seen. */

import { savePlace } from "../lib/router.js";
import { rowsOf } from "../lib/rows.js";
import { WINDOW } from "../lib/store.js";
import { Component, html } from "../vendor/htm-preact.js";
import { Icon } from "./Icon.js";
import { countOf } from "./MessageGroupItem.js";
import { DaySeparator, MessageItem, PendingItem, UnreadLine } from "./MessageItem.js";

const NEAR = 700;
const AT_END = 60;
const SAVE_DELAY = 200;
const FLASH = 1600;
/** More than this behind is read on purpose, not followed. */
const FOLLOWED = 100;

/**
 * @typedef {object} Props
 * @property {import("../types.js").Thread} thread
 * @property {import("../types.js").Group} group
 * @property {import("../types.js").Pending[]} pending
 * @property {import("../types.js").Me} me
 * @property {number} missing how many messages come after the window
 * @property {number} readByOthers
 * @property {boolean} isLineUp
 * @property {number} now
 * @property {import("../lib/messenger.js").Messenger} messenger
 * @property {(message: import("../types.js").Message) => void} onReply
 * @property {() => void} onLeave
 *
 * @typedef {{number: number, offset: number} | null} Anchor a message, and how far its bubble's top is from the view's
 */

/** @extends {Component<Props, {isFar: boolean}, Anchor>} */
export class MessageFeed extends Component {
  /** @type {HTMLElement | null} */
  box = null;
  isFollowing = false;
  /** @type {Anchor} */
  anchor = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  saving;
  state = { isFar: false };
  resized = new ResizeObserver(() => this.settle(this.anchor));
  onVisible = () => this.notice();

  componentDidMount() {
    document.addEventListener("visibilitychange", this.onVisible);
    if (this.box) this.resized.observe(this.box);
    this.goTo(this.props.thread.focus);
  }

  componentWillUnmount() {
    document.removeEventListener("visibilitychange", this.onVisible);
    this.resized.disconnect();
    clearTimeout(this.saving);
  }

  getSnapshotBeforeUpdate() {
    return this.anchorNow();
  }

  /**
   * @param {Props} before
   * @param {unknown} _
   * @param {Anchor} anchor
   */
  componentDidUpdate(before, _, anchor) {
    const { thread, pending } = this.props;
    const hasWritten = pending.some((each) => !before.pending.some((old) => old.uuid === each.uuid));
    if (thread.focus !== before.thread.focus) this.goTo(thread.focus);
    else if (hasWritten) this.goTo({ at: "end" });
    else if (thread.messages !== before.thread.messages || pending !== before.pending) this.settle(anchor);
    else this.notice();
  }

  /**
   * After the content has changed: at the end if that is where the reader was, else with the same message in its place.
   * @param {Anchor} anchor
   */
  settle(anchor) {
    const box = this.box;
    if (!box) return;
    if (this.isFollowing) box.scrollTop = box.scrollHeight;
    else if (anchor) this.place(anchor.number, anchor.offset);
    this.notice();
  }

  /** @param {import("../types.js").Focus} focus */
  goTo(focus) {
    const box = this.box;
    if (!box) return;
    this.isFollowing = focus.at === "end";
    if (focus.at === "end") box.scrollTop = box.scrollHeight;
    if (focus.at === "place") this.place(focus.number, focus.offset);
    if (focus.at === "message") this.show(focus.number);
    if (focus.at === "unread") {
      const line = box.querySelector(".unread-line");
      box.scrollTop = line ? box.scrollTop + topIn(box, line) - box.clientHeight / 4 : 0;
    }
    this.notice();
  }

  /** @param {number} number */
  show(number) {
    const element = this.element(number);
    if (!this.box || !element) return;
    this.place(number, (this.box.clientHeight - element.clientHeight) / 2);
    element.focus({ preventScroll: true });
    element.classList.add("flash");
    setTimeout(() => element.classList.remove("flash"), FLASH);
  }

  /**
   * @param {number} number
   * @param {number} offset
   */
  place(number, offset) {
    const element = this.element(number);
    if (this.box && element) this.box.scrollTop += topIn(this.box, bubbleOf(element)) - offset;
  }

  /**
   * @param {number} number
   * @returns {HTMLElement | null}
   */
  element(number) {
    return this.box?.querySelector(`[data-number="${number}"]`) ?? null;
  }

  /** @returns {HTMLElement[]} */
  elements() {
    return [...(this.box?.querySelectorAll("[data-number]") ?? [])].filter((each) => each instanceof HTMLElement);
  }

  /** @returns {Anchor} */
  anchorNow() {
    const box = this.box;
    const inView = box ? this.elements().filter((element) => topIn(box, element) + element.offsetHeight > 0) : [];
    // The first that begins in view: what is cut off above may change its height with its neighbours.
    const first = inView.find((element) => box && topIn(box, bubbleOf(element)) >= 0) ?? inView[0];
    return box && first ? { number: Number(first.dataset.number), offset: topIn(box, bubbleOf(first)) } : null;
  }

  onScroll = () => {
    const box = this.box;
    if (!box) return;
    const isAtEnd = distanceToEnd(box) < AT_END;
    this.isFollowing = isAtEnd && (this.props.missing === 0 || this.isFollowing);
    this.notice();
  };

  /** Everything that follows from what is in view now. */
  notice() {
    const box = this.box;
    const { messenger, missing, thread } = this.props;
    if (!box?.clientHeight || thread.isLoading) return;
    if (missing > FOLLOWED) this.isFollowing = false;
    messenger.conversation.follow(this.isFollowing);
    if (box.scrollTop < NEAR && !thread.atStart) void messenger.conversation.older();
    else if (distanceToEnd(box) < NEAR && missing > 0) void messenger.conversation.newer();
    this.noticeRead(box);
    this.anchor = this.anchorNow();
    const isFar = distanceToEnd(box) > box.clientHeight / 2 || missing > 0;
    if (isFar !== this.state.isFar) this.setState({ isFar });
    clearTimeout(this.saving);
    this.saving = setTimeout(() => savePlace(this.isFollowing ? null : this.anchor), SAVE_DELAY);
  }

  /** @param {HTMLElement} box */
  noticeRead(box) {
    if (document.visibilityState !== "visible") return;
    const last = this.elements().findLast(
      (element) => topIn(box, element) + Math.min(element.offsetHeight, 40) <= box.clientHeight,
    );
    if (last) this.props.messenger.conversation.seen(Number(last.dataset.number));
  }

  /** @param {KeyboardEvent} event */
  onKeyDown = (event) => {
    const elements = this.elements();
    const at = elements.findIndex((element) => element.contains(document.activeElement));
    const message = this.props.thread.messages.find((each) => String(each.number) === elements[at]?.dataset.number);
    if (event.key === "ArrowUp") elements[at < 0 ? elements.length - 1 : Math.max(0, at - 1)]?.focus();
    else if (event.key === "ArrowDown") elements[Math.min(at + 1, elements.length - 1)]?.focus();
    else if (event.key === "End") void this.props.messenger.conversation.newest();
    else if (event.key === "r" && message && !event.ctrlKey && !event.metaKey) this.props.onReply(message);
    else return;
    event.preventDefault();
  };

  render() {
    const { thread, group, messenger } = this.props;
    const unread = group.unread_count;
    return html`
      <div class="feed-frame">
        <div
          class="feed"
          ref=${(/** @type {HTMLElement | null} */ element) => (this.box = element)}
          role="log"
          aria-label=${`Messages with ${group.display_name}`}
          aria-busy=${thread.isBusy ? "true" : "false"}
          tabindex="0"
          onScroll=${this.onScroll}
          onKeyDown=${this.onKeyDown}
        >
          <div class="feed-content">
            ${thread.atStart && html`<p class="beginning">This is where it began.</p>`} ${this.rows()}
          </div>
        </div>
        ${
          this.state.isFar &&
          html`<button
            class="to-end"
            aria-label=${unread ? `To the newest message, ${unread} unread` : "To the newest message"}
            onClick=${() => messenger.conversation.newest()}
          >
            ${unread > 0 && html`<span class="badge">${countOf(unread)}</span>`}<${Icon} name="down" />
          </button>`
        }
      </div>
    `;
  }

  rows() {
    const { thread, pending, me, missing, now } = this.props;
    const waiting = missing === 0 ? pending.slice(0, 50) : [];
    const messages = thread.messages.slice(-WINDOW);
    const lastOwn = messages.findLast((message) => message.user_uuid === me.uuid)?.number ?? 0;
    const lastRead = messages.findLast(
      (message) => message.user_uuid === me.uuid && message.number <= this.props.readByOthers,
    )?.number;
    return rowsOf(messages, waiting, me.uuid, thread.unreadFrom).map((row) => {
      if (row.kind === "day") return html`<${DaySeparator} key=${row.key} at=${row.at} now=${now} />`;
      if (row.kind === "unread") return html`<${UnreadLine} key=${row.key} />`;
      if (row.kind === "pending") return this.pendingRow(row);
      const { number } = row.message;
      const receipt = number === lastRead ? "Read" : number === lastOwn && number > (lastRead ?? 0) ? "Sent" : "";
      return this.messageRow(row, receipt);
    });
  }

  /**
   * @param {import("../lib/rows.js").MessageRow} row
   * @param {string} receipt
   */
  messageRow(row, receipt) {
    const { messenger, onReply } = this.props;
    const onJump = (/** @type {number} */ number) => void messenger.conversation.jump(number);
    return html`<${MessageItem}
      key=${row.key}
      ...${row}
      ...${{ receipt, onReply, onJump, quoted: this.quoted(row.message.reply_to) }}
    />`;
  }

  /** @param {import("../lib/rows.js").PendingRow} row */
  pendingRow(row) {
    const { messenger, isLineUp } = this.props;
    const onRetry = () => messenger.outbox.retry(row.pending.uuid);
    const onDiscard = () => messenger.outbox.discard(row.pending.uuid);
    return html`<${PendingItem}
      key=${row.key}
      ...${row}
      ...${{ isLineUp, onRetry, onDiscard, quoted: this.quoted(row.pending.reply_to) }}
    />`;
  }

  /** @param {number | null} number */
  quoted(number) {
    if (number === null) return null;
    const { messages, quotes } = this.props.thread;
    return messages.find((message) => message.number === number) ?? quotes[number] ?? null;
  }
}

/**
 * @param {Element} box
 * @param {Element} element
 */
function topIn(box, element) {
  return element.getBoundingClientRect().top - box.getBoundingClientRect().top;
}

/**
 * What stays as it is while a message's neighbours come and go.
 * @param {Element} element
 */
function bubbleOf(element) {
  return element.querySelector(".bubble") ?? element;
}

/** @param {Element} box */
function distanceToEnd(box) {
  return box.scrollHeight - box.scrollTop - box.clientHeight;
}
