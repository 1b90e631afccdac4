/** Search for a user to write to: among the conversations at once, among all users after a short delay. */

import { errorText } from "../lib/api.js";
import { useEvent, useMessenger, useMessengerState } from "../lib/hooks.js";
import { groupPath, navigate, newGroupPath } from "../lib/router.js";
import { inboxOf } from "../lib/selectors.js";
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";
import { Avatar } from "./Avatar.js";
import { Icon } from "./Icon.js";

const DEBOUNCE = 200;
const MAX_RESULTS = 8;

/** @typedef {{handle: string | null, display_name: string, path: string}} Result */

export function PersonSearch() {
  const state = useMessengerState();
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState(0);
  const { people, failure } = usePeople(query);
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const results = resultsFor(state, query, people ?? []);
  useEvent(document, "keydown", (event) => {
    if (!isShortcut(event)) return;
    event.preventDefault();
    input.current?.focus();
  });

  /** @param {Result | undefined} person */
  const open = (person) => {
    if (!person) return;
    setQuery("");
    navigate(person.path);
  };
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step && results.length) setChosen((chosen + step + results.length) % results.length);
    else if (event.key === "Enter") open(results[chosen]);
    else if (event.key === "Escape" && query) setQuery("");
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  /** @param {{currentTarget: HTMLInputElement}} event */
  const onInput = (event) => {
    setQuery(event.currentTarget.value);
    setChosen(0);
  };
  const isOpen = query.trim() !== "" && results.length > 0;
  return html`
    <div class="search" role="search">
      <label class="search-field">
        <${Icon} name="search" />
        <input
          ref=${input}
          type="text"
          role="combobox"
          aria-label="Find a person to write to"
          aria-expanded=${isOpen ? "true" : "false"}
          aria-controls="search-results"
          aria-autocomplete="list"
          aria-activedescendant=${isOpen ? `search-result-${chosen}` : undefined}
          placeholder="Find a person"
          autocomplete="off"
          spellcheck="false"
          maxlength="31"
          value=${query}
          onInput=${onInput}
          onKeyDown=${onKeyDown}
        />
        <kbd aria-hidden="true">/</kbd>
      </label>
      <div class="search-results" hidden=${query.trim() === ""}>
        <ul id="search-results" role="listbox" aria-label="People" hidden=${!isOpen}>
          ${results.map((person, index) => html`<${ResultItem} key=${person.path} ...${{ person, index, isChosen: index === chosen, onChoose: open }} />`)}
        </ul>
        ${!isOpen && html`<p role="status">${failure ?? (people ? `No user is called “${query.trim()}”` : "Searching…")}</p>`}
      </div>
    </div>
  `;
}

/** @param {{person: Result, index: number, isChosen: boolean, onChoose: (person: Result) => void}} props */
function ResultItem({ person, index, isChosen, onChoose }) {
  return html`
    <li id=${`search-result-${index}`} role="option" aria-selected=${isChosen ? "true" : "false"} onClick=${() => onChoose(person)}>
      <${Avatar} name=${person.display_name} handle=${person.handle} size="small" />
      <span class="name" dir="auto">${person.display_name}</span>
      <span class="handle">@${person.handle}</span>
    </li>
  `;
}

/** @typedef {{people: import("../types.js").Person[] | null, failure: string | null}} Found */

/** @type {Found} */
const NOTHING = { people: null, failure: null };

/**
 * Return the users whose handles start with the query, null until the response comes, or why there is none.
 * @param {string} query
 * @returns {Found}
 */
function usePeople(query) {
  const { api } = useMessenger();
  const [response, setResponse] = useState({ query: "", ...NOTHING });
  const prefix = query.trim().replace(/^@/, "");
  useEffect(() => {
    if (!prefix) return;
    const timer = setTimeout(async () => {
      const path = `/api/users?limit=${MAX_RESULTS}&q=${encodeURIComponent(prefix)}`;
      try {
        setResponse({ query: prefix, people: await api.get(path), failure: null });
      } catch (error) {
        setResponse({ query: prefix, people: null, failure: errorText(error) });
      }
    }, DEBOUNCE);
    return () => clearTimeout(timer);
  }, [prefix, api]);
  return response.query === prefix ? response : NOTHING;
}

/**
 * @param {import("../types.js").State} state
 * @param {string} query
 * @param {import("../types.js").Person[]} people
 * @returns {Result[]}
 */
function resultsFor(state, query, people) {
  const prefix = query.trim().replace(/^@/, "").toLowerCase();
  if (!prefix) return [];
  const groups = inboxOf(state.groups).filter((group) => matches(group, prefix));
  const known = new Set([state.me.handle, ...Object.values(state.groups).map((group) => group.handle)]);
  const others = people.filter((person) => !known.has(person.handle));
  return [
    ...groups.map((group) => ({ handle: group.handle, display_name: group.display_name, path: groupPath(group.uuid) })),
    ...others.map((person) => ({ ...person, path: newGroupPath(person.handle) })),
  ].slice(0, MAX_RESULTS);
}

/**
 * @param {import("../types.js").Group} group
 * @param {string} prefix
 */
function matches(group, prefix) {
  const words = group.display_name.toLowerCase().split(/\s+/);
  return words.some((word) => word.startsWith(prefix)) || (group.handle ?? "").startsWith(prefix);
}

/** @param {KeyboardEvent} event */
function isShortcut(event) {
  const isTyping = event.target instanceof Element && event.target.matches("input, textarea");
  return event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey;
}
