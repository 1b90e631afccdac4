/** Search for a user: among the conversations at once, among all users after a short delay. */

import { errorText, NetworkError } from "../lib/api.js";
import { useEvent, useMessenger, useMessengerState } from "../lib/hooks.js";
import { groupPath, navigate, newGroupPath } from "../lib/router.js";
import { inboxOf, isOnline } from "../lib/selectors.js";
import { searchText } from "../lib/text.js";
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";
import { Avatar } from "./Avatar.js";
import { GroupAvatar } from "./groups/GroupAvatar.js";
import { SearchField } from "./SearchField.js";

const DEBOUNCE = 200;
export const MAX_RESULTS = 8;

/** @typedef {{handle: string | null, display_name: string, path: string, group?: import("../types.js").Group}} Result */

export function PersonSearch() {
  const state = useMessengerState();
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState(0);
  const { people, failure } = usePeople(query, isOnline(state));
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
  const onQuery = (/** @type {string} */ text) => {
    setQuery(text);
    setChosen(0);
  };
  const isOpen = query.trim() !== "" && results.length > 0;
  const notice = failure ?? (people === null ? "Searching…" : isOpen ? "" : `No user is called “${query.trim()}”`);
  return html`
    <div class="search" role="search">
      <${SearchField}
        ...${{ input, query, onQuery, onKeyDown, isOpen }}
        label="Find a person"
        placeholder="Find a person"
        list="search-results"
        active=${isOpen ? `search-result-${chosen}` : undefined}
      ><kbd aria-hidden="true">/</kbd><//>
      <div class="search-results" hidden=${query.trim() === ""}>
        <ul id="search-results" role="listbox" aria-label="People" hidden=${!isOpen}>
          ${results.map((person, index) => html`<${ResultItem} key=${person.path} ...${{ person, index, isChosen: index === chosen, onChoose: open }} />`)}
        </ul>
        <p role="status" hidden=${notice === "" || (isOpen && failure === null)}>${notice}</p>
      </div>
    </div>
  `;
}

/** @param {{person: Result, index: number, isChosen: boolean, onChoose: (person: Result) => void}} props */
function ResultItem({ person, index, isChosen, onChoose }) {
  return html`
    <li id=${`search-result-${index}`} role="option" aria-selected=${isChosen ? "true" : "false"} onClick=${() => onChoose(person)}>
      ${person.group ? html`<${GroupAvatar} group=${person.group} size="small" />` : html`<${Avatar} name=${person.display_name} handle=${person.handle} size="small" />`}
      <span class="name" dir="auto">${person.display_name}</span>
      <span class="handle">${person.handle && `@${person.handle}`}</span>
    </li>
  `;
}

/** @typedef {{people: import("../types.js").Person[] | null, failure: string | null}} Found */

/** @type {Found} */
const NOTHING = { people: null, failure: null };

/**
 * Return the users that the service finds, null until the response comes, or why there is none. The service is asked
 * again when the connection is back.
 * @param {string} query
 * @param {boolean} online
 * @returns {Found}
 */
export function usePeople(query, online) {
  const { api } = useMessenger();
  const [response, setResponse] = useState({ query: "", ...NOTHING });
  const text = query.trim();
  useEffect(() => {
    if (!text) return;
    const timer = setTimeout(async () => {
      const path = `/api/users?limit=${MAX_RESULTS}&q=${encodeURIComponent(text)}`;
      try {
        setResponse({ query: text, people: await api.get(path), failure: null });
      } catch (error) {
        setResponse({ query: text, people: null, failure: failureOf(error) });
      }
    }, DEBOUNCE);
    return () => clearTimeout(timer);
  }, [text, online, api]);
  return response.query === text ? response : NOTHING;
}

/** @param {unknown} error */
function failureOf(error) {
  return error instanceof NetworkError
    ? "You are offline: only people you have conversations with are found"
    : errorText(error);
}

/**
 * @param {import("../types.js").State} state
 * @param {string} query
 * @param {import("../types.js").Person[]} people
 * @returns {Result[]}
 */
function resultsFor(state, query, people) {
  const prefix = searchText(query).trim();
  if (!prefix) return [];
  const groups = inboxOf(state.groups).filter((group) => matches(group, prefix));
  const known = new Set([state.me.handle, ...inboxOf(state.groups).map((group) => group.handle)]);
  const others = people.filter((person) => !known.has(person.handle));
  return [
    ...groups.map((group) => ({ ...group, path: groupPath(group.uuid), group })),
    ...others.map((person) => ({ ...person, path: newGroupPath(person.handle) })),
  ].slice(0, MAX_RESULTS);
}

/**
 * @param {import("../types.js").Group} group
 * @param {string} prefix
 */
export function matches(group, prefix) {
  const words = searchText(group.display_name).trim().split(" ");
  const rotations = words.map((_, at) => [...words.slice(at), ...words.slice(0, at)].join(" "));
  return [`@${group.handle ?? ""}`, group.handle ?? "", ...rotations].some((key) => key.startsWith(prefix));
}

/** @param {KeyboardEvent} event */
function isShortcut(event) {
  const isTyping = event.target instanceof Element && event.target.matches("input, textarea");
  return event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey;
}
