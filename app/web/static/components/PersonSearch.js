/** Finds a person to write to: among the conversations at once, among everybody a moment later. */

import { useDocumentEvent, useMessenger, useMessengerState } from "../lib/hooks.js";
import { groupPath, navigate, newGroupPath } from "../lib/router.js";
import { inboxOf } from "../lib/selectors.js";
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";
import { Avatar } from "./Avatar.js";
import { Icon } from "./Icon.js";

const PAUSE = 200;
const MOST = 8;

/** @typedef {{handle: string | null, display_name: string, path: string}} Found */

export function PersonSearch() {
  const state = useMessengerState();
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState(0);
  const people = usePeople(query);
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const found = foundIn(state, query, people ?? []);
  useDocumentEvent("keydown", (event) => {
    if (!isShortcut(event)) return;
    event.preventDefault();
    input.current?.focus();
  });

  /** @param {Found | undefined} person */
  const go = (person) => {
    if (!person) return;
    setQuery("");
    navigate(person.path);
  };
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step && found.length) setChosen((chosen + step + found.length) % found.length);
    else if (event.key === "Enter") go(found[chosen]);
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
  const isOpen = query.trim() !== "" && found.length > 0;
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
          aria-controls="found"
          aria-autocomplete="list"
          aria-activedescendant=${isOpen ? `found-${chosen}` : undefined}
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
      <div class="found" hidden=${query.trim() === ""}>
        <ul id="found" role="listbox" aria-label="People" hidden=${!isOpen}>
          ${found.map((person, index) => html`<${FoundPerson} key=${person.path} ...${{ person, index, isChosen: index === chosen, go }} />`)}
        </ul>
        ${!isOpen && html`<p role="status">${people ? `Nobody here is called “${query.trim()}”` : "Looking…"}</p>`}
      </div>
    </div>
  `;
}

/** @param {{person: Found, index: number, isChosen: boolean, go: (person: Found) => void}} props */
function FoundPerson({ person, index, isChosen, go }) {
  return html`
    <li id=${`found-${index}`} role="option" aria-selected=${isChosen ? "true" : "false"} onClick=${() => go(person)}>
      <${Avatar} name=${person.display_name} handle=${person.handle} size="small" />
      <span class="name" dir="auto">${person.display_name}</span>
      <span class="handle">@${person.handle}</span>
    </li>
  `;
}

/**
 * People of the service whose handles begin so; null while they are being looked for.
 * @param {string} query
 */
function usePeople(query) {
  const { api } = useMessenger();
  const [answer, setAnswer] = useState({ query: "", people: /** @type {import("../types.js").Person[]} */ ([]) });
  const prefix = query.trim().replace(/^@/, "");
  useEffect(() => {
    if (!prefix) return;
    const timer = setTimeout(async () => {
      const people = await api.get(`/api/users?limit=${MOST}&q=${encodeURIComponent(prefix)}`).catch(() => []);
      setAnswer({ query: prefix, people });
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [prefix, api]);
  return answer.query === prefix ? answer.people : null;
}

/**
 * @param {import("../types.js").State} state
 * @param {string} query
 * @param {import("../types.js").Person[]} people
 * @returns {Found[]}
 */
function foundIn(state, query, people) {
  const wanted = query.trim().replace(/^@/, "").toLowerCase();
  if (!wanted) return [];
  const groups = inboxOf(state.groups).filter((group) => matches(group, wanted));
  const known = new Set([state.me.handle, ...Object.values(state.groups).map((group) => group.handle)]);
  const strangers = people.filter((person) => !known.has(person.handle));
  return [
    ...groups.map((group) => ({ handle: group.handle, display_name: group.display_name, path: groupPath(group.uuid) })),
    ...strangers.map((person) => ({ ...person, path: newGroupPath(person.handle) })),
  ].slice(0, MOST);
}

/**
 * @param {import("../types.js").Group} group
 * @param {string} wanted
 */
function matches(group, wanted) {
  const words = group.display_name.toLowerCase().split(/\s+/);
  return words.some((word) => word.startsWith(wanted)) || (group.handle ?? "").startsWith(wanted);
}

/** @param {KeyboardEvent} event */
function isShortcut(event) {
  const isTyping = event.target instanceof Element && event.target.matches("input, textarea");
  return event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey;
}
