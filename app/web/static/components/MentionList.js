/** The members that an @ before the cursor of a text field may name: a list under the control of the field's keys. */

import { suggestionsAt } from "../lib/mentions.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/htm-preact.js";
import { Avatar } from "./Avatar.js";

/** @typedef {import("../lib/mentions.js").Member} Member */

/** @type {Record<string, number>} */
const STEPS = { ArrowDown: 1, ArrowUp: -1 };

/**
 * Return the list, the attributes of the field, and what handles its keys first: it returns whether a key was meant.
 * @param {{id: string, area: {current: HTMLTextAreaElement | null}, members: Member[], onText: (text: string) => void}} props
 */
export function useMentionList({ id, area, members, onText }) {
  const [found, setFound] = useState(/** @type {ReturnType<typeof suggestionsAt>} */ (null));
  const [chosen, setChosen] = useState(0);
  const cursor = useRef(/** @type {number | null} */ (null));
  useLayoutEffect(() => {
    if (cursor.current !== null) area.current?.setSelectionRange(cursor.current, cursor.current);
    cursor.current = null;
  });
  const look = () => {
    const { value, selectionStart } = area.current ?? { value: "", selectionStart: 0 };
    setFound(suggestionsAt(value, selectionStart, members));
    setChosen(0);
  };
  useEffect(() => document.getElementById(`${id}-${chosen}`)?.scrollIntoView({ block: "nearest" }), [chosen]);
  const close = () => setFound(null);
  useEffect(look, [members]); // which may come later than what is written
  /** @param {Member | undefined} member */
  const take = (member) => {
    if (!found || !member || !area.current) return;
    const { value, selectionStart } = area.current;
    const head = `${value.slice(0, found.start)}@${member.handle} `;
    cursor.current = head.length;
    close();
    onText(head + value.slice(selectionStart).replace(/^ /, ""));
    area.current.focus();
  };
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (!found || event.isComposing) return false;
    const count = found.members.length;
    const step = STEPS[event.key];
    if (step) setChosen((chosen + step + count) % count);
    else if (event.key === "Enter" || event.key === "Tab") take(found.members[chosen]);
    else if (event.key === "Escape") close();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  const attributes = {
    "aria-autocomplete": "list",
    "aria-controls": found ? id : undefined,
    "aria-activedescendant": found ? `${id}-${chosen}` : undefined,
    onClick: close,
    onBlur: close,
  };
  const list = html`<ul id=${id} class="mention-list" role="listbox" aria-label="Members" hidden=${!found}>
    ${found?.members.map(
      (member, index) => html`
        <li
          key=${member.uuid}
          id=${`${id}-${index}`}
          role="option"
          aria-selected=${index === chosen ? "true" : "false"}
          onMouseDown=${(/** @type {Event} */ event) => event.preventDefault()}
          onClick=${() => take(member)}
        >
          <${Avatar} name=${member.display_name} handle=${member.handle} size="small" />
          <span class="name" dir="auto">${member.display_name}</span>
          <span class="handle">@${member.handle}</span>
        </li>
      `,
    )}
  </ul>`;
  return { list, attributes, onKeyDown, look };
}
