/** A choice of several users: those that are chosen, and a search for more. */

import { useMessengerState } from "../../lib/hooks.js";
import { inboxOf, isOnline } from "../../lib/selectors.js";
import { searchText } from "../../lib/text.js";
import { html, useEffect, useRef, useState } from "../../vendor/htm-preact.js";
import { Avatar } from "../Avatar.js";
import { Icon } from "../Icon.js";
import { MAX_RESULTS, matches, usePeople } from "../PersonSearch.js";
import { SearchField } from "../SearchField.js";

/** @typedef {{handle: string, display_name: string}} Chosen */

/** The place of the option that Enter takes while there is none. */
const NONE = -1;

/**
 * @typedef {object} Props
 * @property {Chosen[]} chosen
 * @property {(chosen: Chosen[]) => void} onChange
 * @property {number} most users that can be chosen
 * @property {(string | null)[]} [excluded] handles of users that cannot
 */

/** @param {Props} props */
export function PeoplePicker({ chosen, onChange, most, excluded = [] }) {
  const state = useMessengerState();
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(NONE);
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const { people, failure } = usePeople(query, isOnline(state));
  const handles = new Set([state.me.handle, ...excluded, ...chosen.map((each) => each.handle)]);
  const results = chosen.length < most ? foundIn(state, query, people ?? [], handles) : [];
  const isOpen = results.length > 0;
  /** @param {Chosen | undefined} person */
  const choose = (person) => {
    if (!person) return;
    onChange([...chosen, person]);
    setQuery("");
    setAt(NONE);
    input.current?.focus();
  };
  const remove = (/** @type {string} */ handle) => {
    onChange(chosen.filter((each) => each.handle !== handle));
    input.current?.focus();
  };
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    const last = query === "" ? chosen.at(-1) : undefined;
    const move = (/** @type {number} */ to) => setAt((to + results.length) % results.length);
    /** @type {Record<string, (() => void) | false | undefined>} */
    const keys = {
      ArrowDown: isOpen && (() => move(at + 1)),
      ArrowUp: isOpen && (() => move(Math.max(at, 0) - 1)),
      Enter: () => choose(results[at]),
      Escape: query !== "" && (() => setQuery("")),
      Backspace: last && (() => remove(last.handle)),
    };
    const act = keys[event.key];
    if (!act) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  };
  const onQuery = (/** @type {string} */ text) => {
    setQuery(text);
    setAt(text.trim() === "" ? NONE : 0);
  };
  return html`
    <div class="people-picker">
      <${Chips} chosen=${chosen} onRemove=${remove} />
      <${SearchField}
        ...${{ input, query, onQuery, onKeyDown, isOpen }}
        label="Find people"
        placeholder="Find people by name or handle"
        list="picked-people"
        active=${isOpen && at !== NONE ? `picked-person-${at}` : undefined}
      />
      <ul id="picked-people" role="listbox" aria-label="People" hidden=${!isOpen}>
        ${results.map((person, index) => html`<${Option} key=${person.handle} ...${{ person, index, isChosen: index === at, onChoose: choose }} />`)}
      </ul>
      <p class="hint" role="status">${noticeOf({ isFull: chosen.length >= most, most, query, people, failure, isOpen })}</p>
    </div>
  `;
}

/** @param {{chosen: Chosen[], onRemove: (handle: string) => void}} props */
function Chips({ chosen, onRemove }) {
  return html`
    <ul class="chips" aria-label="Chosen people" hidden=${chosen.length === 0}>
      ${chosen.map(
        ({ handle, display_name }) =>
          html`<li key=${handle} title=${`@${handle}`}>
            <span class="name" dir="auto">${display_name}</span>
            <button type="button" aria-label=${`Remove ${display_name}`} onClick=${() => onRemove(handle)}><${Icon} name="close" /></button>
          </li>`,
      )}
    </ul>
  `;
}

/** @param {{person: Chosen, index: number, isChosen: boolean, onChoose: (person: Chosen) => void}} props */
function Option({ person, index, isChosen, onChoose }) {
  const element = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if (isChosen) element.current?.scrollIntoView({ block: "nearest" });
  }, [isChosen]);
  return html`
    <li ref=${element} id=${`picked-person-${index}`} role="option" aria-selected=${isChosen ? "true" : "false"} onClick=${() => onChoose(person)}>
      <${Avatar} name=${person.display_name} handle=${person.handle} size="small" />
      <span class="name" dir="auto">${person.display_name}</span>
      <span class="handle">@${person.handle}</span>
    </li>
  `;
}

/**
 * @param {{isFull: boolean, most: number, query: string, people: unknown[] | null, failure: string | null, isOpen: boolean}} state
 */
function noticeOf({ isFull, most, query, people, failure, isOpen }) {
  if (isFull) return `${most} people at once are the most.`;
  if (query.trim() === "") return "";
  if (failure) return failure;
  if (people === null) return "Searching…";
  return isOpen ? "" : `No other user is called “${query.trim()}”`;
}

/**
 * Return the users that a search finds: those of conversations first; without a search, the last ones written with.
 * @param {import("../../types.js").State} state
 * @param {string} query
 * @param {import("../../types.js").Person[]} people
 * @param {Set<string | null>} excluded
 * @returns {Chosen[]}
 */
function foundIn(state, query, people, excluded) {
  const prefix = searchText(query).trim();
  const known = inboxOf(state.groups).filter((group) => group.handle !== null && matches(group, prefix));
  const all = [...known, ...people].map(({ handle, display_name }) => ({ handle: handle ?? "", display_name }));
  const byHandle = new Map(all.map((person) => [person.handle, person]));
  return [...byHandle.values()].filter(({ handle }) => !excluded.has(handle)).slice(0, MAX_RESULTS);
}
