/** What the state knows of groups of several members, and what is derived from it. */

import { membersOf } from "../mentions.js";
import { enumerated } from "./systemMessages.js";

/** @typedef {import("../../types.js").State} State */
/** @typedef {import("../../types.js").Group} Group */

/** Typing members that are named; of more the line says how many. */
const MOST_TYPING = 3;

/**
 * Return whether a group has a title and several members.
 * @param {Group | undefined} group
 */
export function isOfSeveral(group) {
  return group?.kind === "group";
}

/**
 * Return whether the user is a member of a group of several no longer.
 * @param {Group | undefined} group
 */
export function hasLeft(group) {
  return isOfSeveral(group) && group?.state === "left";
}

/**
 * Return the state with the members of a group.
 * @param {State} state
 * @param {string} group
 * @param {import("../../types.js").GroupMember[]} members
 * @returns {State}
 */
export function setMembers(state, group, members) {
  const names = Object.fromEntries(members.map((each) => [each.user_uuid, each.display_name]));
  return { ...state, members: { ...state.members, [group]: members }, names: { ...state.names, ...names } };
}

/**
 * Return the state with a user's name.
 * @param {State} state
 * @param {string} user
 * @param {string} name
 * @returns {State}
 */
export function setName(state, user, name) {
  return state.names[user] === name ? state : { ...state, names: { ...state.names, [user]: name } };
}

/**
 * Return the state with another name and handle of a user, wherever the user is a member.
 * @param {State} state
 * @param {import("../../types.js").Person} user
 * @returns {State}
 */
export function renameMember(state, { uuid, display_name, handle }) {
  const members = Object.entries(state.members).map(([group, all]) => [
    group,
    all.map((each) => (each.user_uuid === uuid ? { ...each, display_name, handle } : each)),
  ]);
  return { ...setName(state, uuid, display_name), members: Object.fromEntries(members) };
}

/**
 * Return the members of a group that a message can mention; of a group of several none until they are loaded.
 * @param {State} state
 * @param {Group | undefined} group
 * @returns {import("../mentions.js").Member[]}
 */
export function mentionable(state, group) {
  if (!group || !isOfSeveral(group)) return membersOf(group, state.me);
  const members = (state.members[group.uuid] ?? []).filter((each) => each.handle !== null);
  return members.map(({ user_uuid: uuid, handle, display_name }) => ({ uuid, handle, display_name }));
}

/**
 * Return which members are typing in a group, in words; an empty text for none.
 * @param {State} state
 * @param {Group} group
 */
export function typingText(state, group) {
  const users = Object.keys(state.typing[group.uuid] ?? {});
  if (users.length === 0) return "";
  if (!isOfSeveral(group)) return `${group.display_name} is typing`;
  const names = users.map((user) => firstWordOf(state.names[user] ?? "") || "Another member");
  return `${enumerated(names, MOST_TYPING).join("")} ${users.length > 1 ? "are" : "is"} typing`;
}

/** @param {string} name */
function firstWordOf(name) {
  return name.trim().split(/\s+/)[0];
}

/**
 * Return the name of the member that has sent the last message of a group of several, if it is known and not this user.
 * @param {State} state
 * @param {Group} group
 */
export function senderOf(state, group) {
  const isOther = isOfSeveral(group) && group.last_message_by !== state.me.uuid;
  return isOther && group.message ? (state.names[group.last_message_by] ?? "") : "";
}
