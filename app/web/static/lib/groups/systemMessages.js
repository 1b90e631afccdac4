/** What system messages say: the words, and the names of users between them. */

/** @typedef {import("../../types.js").Message} Message */
/** @typedef {{name: string}} Name */
/** @typedef {string | Name} Part */

/** Users that a message names; of more it says how many. */
const MOST_NAMED = 4;

/**
 * Return what a system message tells, as this user reads it.
 * @param {Pick<Message, "user_uuid" | "display_name" | "event">} message
 * @param {string} me
 * @returns {Part[]}
 */
export function systemParts({ user_uuid, display_name, event }, me) {
  const subject = user_uuid === me ? "You" : { name: display_name };
  const users = event?.users ?? [];
  switch (event?.type) {
    case "created":
      return [subject, " created the group"];
    case "renamed":
      return [subject, " renamed the group to ", { name: event.title ?? "" }];
    case "history":
      return ["New members see the history"];
    case "added":
    case "removed":
      return [subject, ` ${event.type} `, ...listed(users, me)];
    case "left":
      return [subject, " left", ...(users.length > 0 ? [". ", ...withRole(users, "the owner", me)] : [])];
    case "role":
      return withRole(users, ROLES[event.role ?? "member"], me);
    default:
      return [subject, " changed the group"];
  }
}

/** @type {Record<import("../../types.js").Role, string>} */
const ROLES = { owner: "the owner", admin: "an admin", member: "a member without rights" };

/**
 * @param {MentionedUser[]} users
 * @param {string} role
 * @param {string} me
 * @returns {Part[]}
 */
function withRole(users, role, me) {
  const isMe = users[0]?.user_uuid === me;
  return [isMe ? "You" : { name: users[0]?.display_name ?? "" }, isMe ? " are " : " is ", `${role} now`];
}

/** @typedef {Message["mentions"][number]} MentionedUser */

/**
 * Return the names of users, this one first.
 * @param {MentionedUser[]} users
 * @param {string} me
 * @returns {Part[]}
 */
function listed(users, me) {
  const others = users.filter((each) => each.user_uuid !== me).map((each) => ({ name: each.display_name }));
  return enumerated([...(others.length < users.length ? ["you"] : []), ...others], MOST_NAMED);
}

/**
 * Return items as a sentence lists them.
 * @param {Part[]} items
 * @param {number} most items that it has; of more it says how many
 * @returns {Part[]}
 */
export function enumerated(items, most) {
  const shown = items.length > most ? [...items.slice(0, most - 1), `${items.length - most + 1} others`] : items;
  return shown.flatMap((each, at) => (at === 0 ? [each] : [at === shown.length - 1 ? " and " : ", ", each]));
}
