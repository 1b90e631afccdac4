/** The feed of messages: loads pages in both directions without a jump, follows its end, and marks what was seen. */

import { actionsOf } from "../lib/actions.js";
import { isMenuKey, MenuGestures, pointBelow } from "../lib/gestures.js";
import { isOfSeveral } from "../lib/groups/state.js";
import { saveScrollPosition } from "../lib/router.js";
import { isRequest } from "../lib/selectors.js";
import { hasEnded } from "../lib/visibility.js";
import { Component, html } from "../vendor/htm-preact.js";
import { Icon } from "./Icon.js";
import { formatCount } from "./MessageGroupItem.js";
import { MessageRows } from "./MessageRows.js";

/** Pixels before either end at which the next page is loaded. */
const LOAD_DISTANCE = 700;
/** Pixels before the end at which the reader counts as being there. */
const END_TOLERANCE = 60;
const SAVE_DELAY = 200;
const FLASH_DURATION = 1600;
/** With more messages than this after the window the reader is catching up and does not follow the end. */
const MAX_FOLLOWED = 100;
/** Pixels of a message that must be in view for it to count as seen. */
const SEEN_HEIGHT = 40;

/**
 * @typedef {object} Props
 * @property {import("../types.js").Thread} thread
 * @property {import("../types.js").Group} group
 * @property {import("../lib/mentions.js").Member[]} members that a message can mention
 * @property {import("../types.js").Pending[]} pending
 * @property {import("../types.js").Me} me
 * @property {number} afterWindow how many messages come after the window
 * @property {{read: number, delivered: number}} others the highest markers of other members
 * @property {boolean} isOnline
 * @property {number} now
 * @property {import("../lib/messenger.js").Messenger} messenger
 * @property {import("../types.js").PendingChange[]} pendingChanges of messages of the group
 * @property {import("./MessageActions.js").Actions} actions
 *
 * @typedef {import("../types.js").ScrollPosition | null} Anchor the first message in view
 */

/** @extends {Component<Props, {isAwayFromEnd: boolean}, Anchor>} */
export class MessageFeed extends Component {
  /** @type {HTMLElement | null} */
  box = null;
  isFollowing = false;
  /** @type {Anchor} */
  anchor = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  saveTimer;
  state = { isAwayFromEnd: false };
  resized = new ResizeObserver(() => this.restoreScroll(this.anchor));
  onVisibilityChange = () => this.onViewportChange();
  gestures = new MenuGestures((element, at) => this.openMenu(element, at));

  componentDidMount() {
    document.addEventListener("visibilitychange", this.onVisibilityChange);
    if (this.box) this.resized.observe(this.box);
    this.scrollTo(this.props.thread.scrollTarget);
  }

  componentWillUnmount() {
    document.removeEventListener("visibilitychange", this.onVisibilityChange);
    this.resized.disconnect();
    clearTimeout(this.saveTimer);
    this.gestures.cancel();
  }

  getSnapshotBeforeUpdate() {
    return this.findAnchor();
  }

  /**
   * @param {Props} before
   * @param {unknown} _
   * @param {Anchor} anchor
   */
  componentDidUpdate(before, _, anchor) {
    const { thread, pending } = this.props;
    const hasWritten = pending.some((each) => !before.pending.some((old) => old.uuid === each.uuid));
    if (thread.scrollTarget !== before.thread.scrollTarget) this.scrollTo(thread.scrollTarget);
    else if (hasWritten) this.scrollTo({ at: "end" });
    else if (changesHeight(before, this.props)) this.restoreScroll(anchor);
    else this.onViewportChange();
  }

  /**
   * Restore the view after the content has changed: to the end if the reader follows it, else to the anchor.
   * @param {Anchor} anchor
   */
  restoreScroll(anchor) {
    const box = this.box;
    if (!box) return;
    if (this.isFollowing) box.scrollTop = box.scrollHeight;
    else if (anchor) this.align(anchor.number, anchor.offset);
    this.onViewportChange();
  }

  /** @param {import("../types.js").ScrollTarget} target */
  scrollTo(target) {
    const box = this.box;
    if (!box) return;
    this.isFollowing = target.at === "end";
    if (target.at === "end") box.scrollTop = box.scrollHeight;
    if (target.at === "position") this.align(target.number, target.offset);
    if (target.at === "message") this.showMessage(target.number);
    if (target.at === "unread") {
      const line = box.querySelector(".unread-line");
      box.scrollTop = line ? box.scrollTop + topIn(box, line) - box.clientHeight / 4 : 0;
    }
    if (this.props.afterWindow === 0 && distanceToEnd(box) < END_TOLERANCE) this.isFollowing = true;
    this.onViewportChange();
  }

  /** @param {number} number */
  showMessage(number) {
    const element = this.element(number);
    if (!this.box || !element) return;
    this.align(number, (this.box.clientHeight - element.clientHeight) / 2);
    element.focus({ preventScroll: true });
    element.classList.add("flash");
    setTimeout(() => element.classList.remove("flash"), FLASH_DURATION);
  }

  /**
   * Scroll a message's bubble to an offset from the top of the view.
   * @param {number} number
   * @param {number} offset
   */
  align(number, offset) {
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
  findAnchor() {
    const box = this.box;
    const inView = box ? this.elements().filter((element) => topIn(box, element) + element.offsetHeight > 0) : [];
    // A message that is cut off at the top may change its height with its neighbours.
    const first = inView.find((element) => box && topIn(box, bubbleOf(element)) >= 0) ?? inView[0];
    return box && first ? { number: Number(first.dataset.number), offset: topIn(box, bubbleOf(first)) } : null;
  }

  onScroll = () => {
    const box = this.box;
    if (!box) return;
    const isAtEnd = distanceToEnd(box) < END_TOLERANCE;
    this.isFollowing = isAtEnd && (this.props.afterWindow === 0 || this.isFollowing);
    this.onViewportChange();
  };

  /** Do what depends on the messages in view: follow, load pages, mark as read, save the position. */
  onViewportChange() {
    const box = this.box;
    const { messenger, afterWindow, thread } = this.props;
    if (!box?.clientHeight || thread.isLoading) return;
    if (afterWindow > MAX_FOLLOWED) this.isFollowing = false;
    if (box.scrollTop < LOAD_DISTANCE && !this.isAtStart()) void messenger.conversation.loadOlder();
    else if (distanceToEnd(box) < LOAD_DISTANCE && afterWindow > 0) void messenger.conversation.loadNewer();
    this.markSeen(box);
    this.anchor = this.findAnchor();
    messenger.conversation.setView(this.isFollowing, this.anchor);
    void messenger.conversation.loadChanges();
    const isAwayFromEnd = distanceToEnd(box) > box.clientHeight / 2 || afterWindow > 0;
    if (isAwayFromEnd !== this.state.isAwayFromEnd) this.setState({ isAwayFromEnd });
    clearTimeout(this.saveTimer);
    this.saveTimer = setTimeout(() => saveScrollPosition(this.isFollowing ? null : this.anchor), SAVE_DELAY);
  }

  /** @param {HTMLElement} box */
  markSeen(box) {
    if (document.visibilityState !== "visible") return;
    const last = this.elements().findLast(
      (element) => topIn(box, element) + Math.min(element.offsetHeight, SEEN_HEIGHT) <= box.clientHeight,
    );
    if (last) this.props.messenger.conversation.markSeen(Number(last.dataset.number));
  }

  /** @param {KeyboardEvent} event */
  onKeyDown = (event) => {
    const elements = this.elements();
    const at = elements.findIndex((element) => element.contains(document.activeElement));
    const message = this.messageOf(elements[at]);
    if (elements[at] && isMenuKey(event)) this.openMenu(elements[at], pointBelow(bubbleOf(elements[at])));
    else if (event.key === "ArrowUp") elements[at < 0 ? elements.length - 1 : Math.max(0, at - 1)]?.focus();
    else if (event.key === "ArrowDown") elements[Math.min(at + 1, elements.length - 1)]?.focus();
    else if (event.key === "End") void this.props.messenger.conversation.showNewest();
    else if (event.ctrlKey || event.metaKey || !message || !this.act(event.key, message)) return;
    event.preventDefault();
  };

  /**
   * Do what a key means for a message; return whether it means something.
   * @param {string} key
   * @param {import("../types.js").Message} message
   */
  act(key, message) {
    const { actions, messenger, me, group } = this.props;
    const allowed = actionsOf(message, me.uuid, messenger.config, Date.now(), isRequest(group));
    if (key === "r" && allowed.includes("reply")) actions.onReply(message);
    else if (key === "e" && allowed.includes("edit")) actions.onEdit(message);
    else return false;
    return true;
  }

  /**
   * @param {HTMLElement} element
   * @param {import("../types.js").Point} at
   */
  openMenu(element, at) {
    const message = this.messageOf(element);
    if (message) this.props.actions.onMenu(message, at);
  }

  /** @param {HTMLElement | undefined} element */
  messageOf(element) {
    const message = this.props.thread.messages.find((each) => String(each.number) === element?.dataset.number);
    return message?.kind === "system" ? undefined : message;
  }

  /** Return whether nothing stands before the first loaded message: older ones are not kept, or there are none. */
  isAtStart() {
    const { thread, now, messenger } = this.props;
    const first = thread.messages[0];
    return thread.atStart || (!!first && hasEnded(first, now, messenger.config.message_retention_days));
  }

  beginning() {
    const { thread, messenger } = this.props;
    const days = messenger.config.message_retention_days;
    if (days !== null) return days === 1 ? "Messages are kept for a day." : `Messages are kept for ${days} days.`;
    return (thread.messages[0]?.number ?? 1) > 1 ? "You see messages from here on." : "This is where it began.";
  }

  render() {
    const { thread, group, messenger } = this.props;
    const unread = group.unread_count;
    return html`
      <div class="feed-frame ${isRequest(group) ? "is-request" : ""}">
        <div
          class="feed"
          ref=${(/** @type {HTMLElement | null} */ element) => (this.box = element)}
          role="log"
          aria-label=${`Messages with ${group.display_name}`}
          aria-busy=${thread.isBusy ? "true" : "false"}
          tabindex="0"
          onScroll=${this.onScroll}
          onKeyDown=${this.onKeyDown}
          aria-describedby="feed-keys"
          ...${this.gestures.listeners}
        >
          <div class="feed-content ${isOfSeveral(group) ? "of-several" : ""}">
            ${this.isAtStart() && html`<p class="beginning">${this.beginning()}</p>`} <${MessageRows} ...${this.props} />
          </div>
        </div>
        <p id="feed-keys" hidden>Arrow keys move between messages, Enter opens the actions of a message.</p>
        ${
          this.state.isAwayFromEnd &&
          html`<button
            class="to-end"
            aria-label=${unread ? `To the newest message, ${unread} unread` : "To the newest message"}
            onClick=${() => messenger.conversation.showNewest()}
          >
            ${unread > 0 && html`<span class="badge">${formatCount(unread)}</span>`}<${Icon} name="down" />
          </button>`
        }
      </div>
    `;
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
 * Return the part of a message whose height does not depend on its neighbours.
 * @param {Element} element
 */
function bubbleOf(element) {
  return element.querySelector(".bubble") ?? element;
}

/**
 * @param {Props} before
 * @param {Props} now
 */
function changesHeight(before, now) {
  const messages = now.thread.messages !== before.thread.messages || now.pending !== before.pending;
  const changes = now.pendingChanges.length !== before.pendingChanges.length;
  return messages || changes || now.actions.editing !== before.actions.editing;
}

/** @param {Element} box */
function distanceToEnd(box) {
  return box.scrollHeight - box.scrollTop - box.clientHeight;
}
