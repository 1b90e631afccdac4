/** A picker of emoji: by a search for names and keywords, or by groups, in a skin tone. */

import { errorText } from "../lib/api.js";
import { inTone, loadEmoji, searchEmoji } from "../lib/emoji.js";
import { useMessenger } from "../lib/hooks.js";
import { html, useEffect, useMemo, useRef, useState } from "../vendor/htm-preact.js";
import { Icon } from "./Icon.js";
import { closeDialog, Modal } from "./Modal.js";

const TONES = [
  ["✋", "No skin tone"],
  ["✋🏻", "Light"],
  ["✋🏼", "Medium-light"],
  ["✋🏽", "Medium"],
  ["✋🏾", "Medium-dark"],
  ["✋🏿", "Dark"],
];

/** @param {{at: import("../types.js").Point, onPick: (emoji: string) => void, onClose: () => void}} props */
export function EmojiPicker({ at, onPick, onClose }) {
  const { groups, failure, retry } = useEmoji();
  const recent = useMessenger().emoji;
  const [tone, setTone] = useState(recent.tone);
  const [query, setQuery] = useState("");
  const found = useMemo(() => searchEmoji(groups, query), [groups, query]);
  const picked = useRef("");
  const pick = (/** @type {Event} */ event, /** @type {string} */ emoji) => {
    picked.current = emoji;
    closeDialog(event.currentTarget);
  };
  const onClosed = () => {
    onClose();
    if (picked.current) onPick(picked.current);
  };
  /** @param {KeyboardEvent} event */
  const onSearchKey = (event) => {
    const [first] = found;
    if (event.key !== "Enter" || !query.trim() || !first?.emoji[0]) return;
    event.preventDefault();
    pick(event, inTone(first.emoji[0], tone));
  };
  /** @param {number} chosen */
  const onTone = (chosen) => {
    recent.tone = chosen;
    setTone(chosen);
  };
  return html`
    <${Modal} label="React with an emoji" kind="picker" at=${at} onClose=${onClosed}>
      <div class="picker-content" onKeyDown=${moveFocus}>
        <div class="search-field">
          <${Icon} name="search" />
          <input
            type="search"
            aria-label="Find an emoji"
            placeholder="Find an emoji"
            autocomplete="off"
            value=${query}
            onInput=${(/** @type {{currentTarget: HTMLInputElement}} */ event) => setQuery(event.currentTarget.value)}
            onKeyDown=${onSearchKey}
          />
        </div>
        <div class="picker-groups">
          ${found.map((group) => html`<${Group} key=${group.name} ...${{ group, tone }} onPick=${pick} />`)}
          ${failure && html`<p class="failure" role="alert">${failure}. <button class="link" onClick=${retry}>Try again</button></p>`}
          ${groups.length > 0 && found.length === 0 && html`<p role="status">No emoji is called that.</p>`}
        </div>
        <${Tones} tone=${tone} onTone=${onTone} />
      </div>
    <//>
  `;
}

/** @param {{tone: number, onTone: (tone: number) => void}} props */
function Tones({ tone, onTone }) {
  return html`
    <fieldset class="picker-tones">
      <legend class="hidden">Skin tone</legend>
      ${TONES.map(
        ([hand, name], at) =>
          html`<label class="emoji-button" title=${name}>
            <input type="radio" name="tone" class="hidden" aria-label=${name} checked=${at === tone} onChange=${() => onTone(at)} />
            <span aria-hidden="true">${hand}</span>
          </label>`,
      )}
    </fieldset>
  `;
}

/** @param {{group: import("../lib/emoji.js").EmojiGroup, tone: number, onPick: (event: Event, emoji: string) => void}} props */
function Group({ group, tone, onPick }) {
  return html`
    <section aria-label=${group.name}>
      <h3>${group.name}</h3>
      <div class="picker-emoji">
        ${group.emoji.map(
          (each) =>
            html`<button
              key=${each.emoji}
              class="emoji-button"
              tabindex="-1"
              aria-label=${each.name}
              title=${each.name}
              onClick=${(/** @type {Event} */ event) => onPick(event, inTone(each, tone))}
            >
              ${inTone(each, tone)}
            </button>`,
        )}
      </div>
    </section>
  `;
}

/** Return all emoji once they are loaded; meanwhile there are none. */
function useEmoji() {
  const [groups, setGroups] = useState(/** @type {import("../lib/emoji.js").EmojiGroup[]} */ ([]));
  const [failure, setFailure] = useState("");
  const retry = () => {
    setFailure("");
    loadEmoji().then(setGroups, (error) => setFailure(errorText(error)));
  };
  useEffect(retry, []);
  return { groups, failure, retry };
}

/**
 * Move the focus between the search and the emoji: left and right by one, up and down by a line.
 * @param {KeyboardEvent & {currentTarget: HTMLElement}} event
 */
function moveFocus(event) {
  if (event.target instanceof HTMLInputElement && event.target.type === "radio") return; // it moves by itself
  const buttons = [...event.currentTarget.querySelectorAll("button.emoji-button")];
  const at = buttons.findIndex((button) => button.matches(":focus"));
  const target = targetOf(event, buttons, at);
  if (target === undefined) return;
  event.preventDefault();
  const next = target < 0 ? event.currentTarget.querySelector("input") : buttons[target];
  if (next instanceof HTMLElement) next.focus();
}

/**
 * @param {KeyboardEvent} event
 * @param {Element[]} buttons
 * @param {number} at the button with the focus; -1: the search has it
 */
function targetOf({ key }, buttons, at) {
  if (at < 0) return key === "ArrowDown" && buttons.length > 0 ? 0 : undefined;
  if (key === "ArrowLeft") return at - 1;
  if (key === "ArrowRight") return Math.min(at + 1, buttons.length - 1);
  if (key === "ArrowDown") return lineFrom(buttons, at, 1) ?? at;
  return key === "ArrowUp" ? (lineFrom(buttons, at, -1) ?? -1) : undefined;
}

/**
 * Return the nearest button in the next line of a direction, or undefined if there is none.
 * @param {Element[]} buttons
 * @param {number} at
 * @param {1 | -1} step
 */
function lineFrom(buttons, at, step) {
  const place = (/** @type {number} */ index) => buttons[index]?.getBoundingClientRect();
  const start = place(at);
  let line = 0;
  for (let index = at + step; start && place(index); index += step) {
    const { top, left } = /** @type {DOMRect} */ (place(index));
    if (top === start.top) continue;
    line ||= top;
    if (top !== line) return index - step;
    if (step * (left - start.left) >= 0) return index;
  }
  return line ? (step > 0 ? buttons.length - 1 : 0) : undefined;
}
