/** Mentions: handles after an @ in a text, and the members that they name. */

/** @typedef {{uuid: string, handle: string | null, display_name: string}} Member */

/** An @ that follows no letter, as it does in an address of mail, and a handle. */
const HANDLE = /(?<![\p{L}\p{N}_@.+-])@([A-Za-z0-9_]{3,30})(?![\p{L}\p{N}_])/gu;
/** What is written of a handle before the cursor. */
const BEGINNING = /(?<![\p{L}\p{N}_@.+-])@([A-Za-z0-9_]{0,30})$/u;
/** The most members that are offered: more letters find the others. */
const MAX_OFFERED = 8;

/**
 * Return the members of a direct group, the other user first.
 * @param {import("../types.js").Group | undefined} group
 * @param {import("../types.js").Me} me
 * @returns {Member[]}
 */
export function membersOf(group, me) {
  if (!group?.peer_uuid) return [];
  return [{ uuid: group.peer_uuid, handle: group.handle, display_name: group.display_name }, me];
}

/**
 * Return the ids of the members whose handles stand in a text.
 * @param {string} text
 * @param {Member[]} members
 */
export function mentionedIn(text, members) {
  const handles = new Set([...text.matchAll(HANDLE)].map((match) => match[1]?.toLowerCase()));
  return members.filter((member) => member.handle !== null && handles.has(member.handle)).map((member) => member.uuid);
}

/**
 * Return the members that a message mentions: by the names that came with it, or, after an edit, by those of the group.
 * @param {import("../types.js").Message["mentions"]} mentions
 * @param {Member[]} members
 * @returns {Member[]}
 */
export function mentionedMembers(mentions, members) {
  return mentions.flatMap(({ user_uuid: uuid, handle, display_name }) =>
    handle === null ? members.filter((member) => member.uuid === uuid) : [{ uuid, handle, display_name }],
  );
}

/**
 * Split a text into the handles of these members and what is between them.
 * @param {string} text
 * @param {Member[]} members
 * @returns {{text: string, member: Member | null}[]}
 */
export function splitMentions(text, members) {
  const parts = [];
  let end = 0;
  for (const match of members.length ? text.matchAll(HANDLE) : []) {
    const member = members.find((each) => each.handle === match[1]?.toLowerCase());
    if (!member) continue;
    if (match.index > end) parts.push({ text: text.slice(end, match.index), member: null });
    parts.push({ text: match[0], member });
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), member: null });
  return parts;
}

/**
 * Return the members that what is written before the cursor may become, and where it begins; null if it is no handle.
 * @param {string} text
 * @param {number} cursor
 * @param {Member[]} members
 * @returns {{start: number, members: Member[]} | null}
 */
export function suggestionsAt(text, cursor, members) {
  const match = BEGINNING.exec(text.slice(0, cursor));
  if (!match) return null;
  const written = match[1]?.toLowerCase() ?? "";
  const found = members.filter(({ handle, display_name }) => {
    const names = [handle ?? "", ...display_name.toLowerCase().split(/\s+/)];
    return handle !== null && handle !== written && names.some((name) => name.startsWith(written));
  });
  return found.length ? { start: match.index, members: found.slice(0, MAX_OFFERED) } : null;
}
