/** What a user can do with a message. */

import { hasExpired } from "./visibility.js";

/** @typedef {"reply" | "edit" | "copy" | "link" | "edits" | "reactions" | "receipts" | "hide" | "delete" | "report"} Action */

/** @type {Record<Action, {label: string, icon: string}>} */
export const ACTIONS = {
  reply: { label: "Reply", icon: "reply" },
  edit: { label: "Edit", icon: "pencil" },
  copy: { label: "Copy text", icon: "copy" },
  link: { label: "Copy link", icon: "link" },
  edits: { label: "Earlier texts", icon: "history" },
  reactions: { label: "Who reacted", icon: "smile" },
  receipts: { label: "Read by…", icon: "eye" },
  hide: { label: "Delete for me", icon: "trash" },
  delete: { label: "Delete for everyone", icon: "trash" },
  report: { label: "Report", icon: "flag" },
};

/**
 * Return the actions that the service allows now, in the order of the menu.
 * @param {import("../types.js").Message} message
 * @param {string} me
 * @param {import("../types.js").Config} config
 * @param {number} now milliseconds
 * @param {boolean} [isRequest] whether the group is a request, in which nothing is to be said
 * @returns {Action[]}
 */
export function actionsOf(message, me, config, now, isRequest = false) {
  if (message.is_hidden || message.kind === "system") return [];
  if (message.deleted_at || hasExpired(message, now)) return ["link", "hide"];
  const age = (now - Date.parse(message.created_at)) / 1000;
  const isOwn = message.user_uuid === me;
  /** @type {[Action, boolean][]} */
  const actions = [
    ["reply", !isRequest],
    ["edit", isOwn && !message.expires_at && age < config.edit_window_seconds],
    ["copy", true],
    ["link", true],
    ["edits", message.version > 1 && config.shows_edits],
    ["reactions", message.reactions.length > 0],
    ["receipts", isOwn],
    ["hide", true],
    ["delete", isOwn && age < config.delete_window_seconds],
    ["report", !isOwn],
  ];
  return actions.filter(([, isAllowed]) => isAllowed).map(([action]) => action);
}
