/** A field in which the user searches for people, above the list of those that are found. */

import { html } from "../vendor/htm-preact.js";
import { Icon } from "./Icon.js";

/**
 * @typedef {object} Props
 * @property {import("../vendor/htm-preact.js").Ref<HTMLInputElement | null>} input
 * @property {string} label
 * @property {string} placeholder
 * @property {string} list the id of the list
 * @property {boolean} isOpen whether the list is shown
 * @property {string | undefined} active the id of the option that Enter takes
 * @property {string} query
 * @property {(query: string) => void} onQuery
 * @property {(event: KeyboardEvent) => void} onKeyDown
 * @property {import("../vendor/htm-preact.js").Child} [children] what stands behind the field
 */

/** @param {Props} props */
export function SearchField({ input, label, placeholder, list, isOpen, active, query, onQuery, onKeyDown, children }) {
  return html`
    <label class="search-field">
      <${Icon} name="search" />
      <input
        ref=${input}
        type="text"
        role="combobox"
        aria-label=${label}
        aria-expanded=${isOpen ? "true" : "false"}
        aria-controls=${list}
        aria-autocomplete="list"
        aria-activedescendant=${active}
        placeholder=${placeholder}
        autocomplete="off"
        spellcheck="false"
        maxlength="51"
        value=${query}
        onInput=${(/** @type {{currentTarget: HTMLInputElement}} */ event) => onQuery(event.currentTarget.value)}
        onKeyDown=${onKeyDown}
      />
      ${children}
    </label>
  `;
}
