/** What a user can do with a message. */

/** @typedef {"reply" | "copy" | "link"} Action */

/** @type {Record<Action, {label: string, icon: string}>} */
export const ACTIONS = {
  reply: { label: "Reply", icon: "reply" },
  copy: { label: "Copy text", icon: "copy" },
  link: { label: "Copy link", icon: "link" },
};

/**
 * Return the actions that a message allows, in the order of the menu.
 * @param {import("../types.js").Message} message
 * @returns {Action[]}
 */
export function actionsOf(message) {
  return message.deleted_at ? ["link"] : ["reply", "copy", "link"];
}
