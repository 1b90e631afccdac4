/** Calls that create and change groups of several members. Each applies the group of its answer. */

import { errorText, Problem } from "../api.js";
import { applyGroups } from "../store.js";

/** @typedef {import("../../types.js").Group} Group */

/** What the page says of problems of these calls; of others it says their titles. @type {Record<string, string>} */
const TEXTS = {
  "cannot-add": "One of these people cannot be added to a group by you",
  "group-full": "A group cannot have so many members",
  "group-taken": "The group was created before you changed this, and is in your list",
  "user-not-found": "One of these people does not exist any more",
  "member-not-found": "This person is not in the group any more",
  "not-manager": "Only the owner and admins can do this",
  "not-owner": "Only the owner of the group can do this",
  "group-not-found": "You are not in this group any more",
  "invalid-body": "The title needs 1 to 50 visible characters",
};

/** @param {unknown} error */
export function groupErrorText(error) {
  return (error instanceof Problem && TEXTS[error.code]) || errorText(error);
}

export class GroupCalls {
  /**
   * @param {import("../api.js").Api} api
   * @param {import("../store.js").Store} store
   * @param {import("./members.js").Members} members
   */
  constructor(api, store, members) {
    this.api = api;
    this.store = store;
    this.members = members;
  }

  /** @param {import("../../types.js").GroupCreate} body its uuid makes a repeated call find the same group */
  create(body) {
    return this.#call("POST", "", body);
  }

  /**
   * @param {string} group
   * @param {import("../../types.js").GroupUpdate} body
   */
  change(group, body) {
    return this.#call("PATCH", `/${group}`, body);
  }

  /**
   * @param {string} group
   * @param {string[]} handles
   */
  add(group, handles) {
    return this.#call("POST", `/${group}/members`, { handles });
  }

  /**
   * @param {string} group
   * @param {string} user
   * @param {import("../../types.js").Role} role
   */
  setRole(group, user, role) {
    return this.#call("PATCH", `/${group}/members/${user}`, { role });
  }

  /**
   * @param {string} group
   * @param {string} user
   */
  remove(group, user) {
    return this.#call("DELETE", `/${group}/members/${user}`);
  }

  /** @param {string} group */
  leave(group) {
    return this.#call("DELETE", `/${group}`);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @returns {Promise<Group>}
   */
  async #call(method, path, body) {
    const row = await this.api.call(method, `/api/message_groups${path}`, body);
    this.store.update((state) => applyGroups(state, [row]));
    const isTold = this.store.state.connection === "live"; // by the event of the system message
    if (!isTold && row.state === "active") void this.members.refresh(row.uuid);
    return row;
  }
}
