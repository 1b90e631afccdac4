/** The menu of a message: reactions, and what else can be done with it. */

import { ACTIONS, actionsOf } from "../lib/actions.js";
import { useMessenger, useMessengerState } from "../lib/hooks.js";
import { isRequest } from "../lib/selectors.js";
import { html, useRef } from "../vendor/htm-preact.js";
import { Icon } from "./Icon.js";
import { closeDialog, Modal } from "./Modal.js";

/**
 * @param {{message: import("../types.js").Message, at: import("../types.js").Point, me: string, onClose: () => void,
 *   onReact: (emoji: string) => void, onPicker: () => void, onAction: (action: import("../lib/actions.js").Action) => void}} props
 */
export function MessageMenu({ message, at, me, onClose, onReact, onPicker, onAction }) {
  const { config, emoji } = useMessenger();
  const group = useMessengerState().groups[message.message_group_uuid];
  /** What to do once the menu is closed, so that the focus is where it was. */
  const chosen = useRef(() => {});
  const own = new Set(message.reactions.filter((each) => each.me).map((each) => each.emoji));
  const actions = actionsOf(message, me, config, Date.now(), group && isRequest(group));
  const choose = (/** @type {Event} */ event, /** @type {() => void} */ action) => {
    chosen.current = action;
    closeDialog(event.currentTarget);
  };
  const onClosed = () => {
    onClose();
    chosen.current();
  };
  return html`
    <${Modal} label="Actions" kind="actions" at=${at} onClose=${onClosed}>
      <div role="menu" aria-label="Message" onKeyDown=${onKeyDown}>
        ${
          actions.includes("reply") &&
          html`<div class="emoji-row" role="group" aria-label="React">
            ${emoji.all().map(
              (each) =>
                html`<button
                  key=${each}
                  role="menuitemcheckbox"
                  aria-checked=${own.has(each) ? "true" : "false"}
                  class="emoji-button"
                  onClick=${(/** @type {Event} */ event) => choose(event, () => onReact(each))}
                >
                  ${each}
                </button>`,
            )}
            <button
              role="menuitem"
              class="emoji-button"
              aria-label="Other emoji"
              title="Other emoji"
              onClick=${(/** @type {Event} */ event) => choose(event, onPicker)}
            >
              <${Icon} name="plus" />
            </button>
          </div>`
        }
        ${actions.map(
          (action) =>
            html`<button
              key=${action}
              role="menuitem"
              class=${action === "delete" ? "danger" : ""}
              onClick=${(/** @type {Event} */ event) => choose(event, () => onAction(action))}
            >
              <${Icon} name=${ACTIONS[action].icon} />${ACTIONS[action].label}
            </button>`,
        )}
      </div>
    <//>
  `;
}

/**
 * Move the focus: up and down by rows, of which the emoji are one, left and right by items.
 * @param {KeyboardEvent & {currentTarget: HTMLElement}} event
 */
function onKeyDown(event) {
  const items = [...event.currentTarget.querySelectorAll("button")];
  const at = items.findIndex((item) => item.contains(document.activeElement));
  const emoji = items.filter((item) => item.closest(".emoji-row")).length;
  const isAtFirstAction = at === emoji && emoji > 0;
  /** @type {Record<string, number>} */
  const targets = {
    ArrowLeft: at - 1,
    ArrowRight: at + 1,
    ArrowUp: at < emoji ? -1 : isAtFirstAction ? 0 : at - 1,
    ArrowDown: Math.max(at + 1, emoji),
    Home: 0,
    End: -1,
  };
  const target = targets[event.key];
  if (target === undefined) return;
  items[(target + items.length) % items.length]?.focus();
  event.preventDefault();
}
