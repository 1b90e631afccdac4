// Groups of several without a browser: what system messages say, and what events make of the state.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const page = (/** @type {string} */ name) => import(pathToFileURL(`${process.env.PAGE}/${name}`).href);
const { applyEvent, applyGroups, applyMessages, initialState, removeGroups, Store } = await page("lib/store.js");
const { inboxOf, countUnreadGroups, markersOfOthers } = await page("lib/selectors.js");
const { rowsOf } = await page("lib/rows.js");
const { actionsOf } = await page("lib/actions.js");
const { enumerated, systemParts } = await page("lib/groups/systemMessages.js");
const { mentionable, senderOf, setMembers, typingText } = await page("lib/groups/state.js");
const { Members } = await page("lib/groups/members.js");
const { suggestionsAt } = await page("lib/mentions.js");
const { groupErrorText } = await page("lib/groups/calls.js");
const { NetworkError, Problem } = await page("lib/api.js");

const ME = { uuid: "me", handle: "ann", display_name: "Ann" };
const at = (/** @type {number} */ n) => new Date(Date.UTC(2026, 0, 1, 12, n)).toISOString();
const user = (uuid, display_name = uuid) => ({ user_uuid: uuid, display_name, handle: uuid });
const row = (more = {}) => ({
  uuid: "g",
  kind: "group",
  state: "active",
  handle: null,
  peer_uuid: null,
  display_name: "Launch",
  message: "text 2",
  created_at: at(2),
  last_number: 2,
  last_message_by: "bob",
  read_number: 1,
  unread_count: 1,
  version: 5,
  change_number: 0,
  member_count: 3,
  ...more,
});
const text = (number, sender = "bob", more = {}) => ({
  uuid: `m${number}`,
  kind: "text",
  message_group_uuid: "g",
  number,
  ...user(sender),
  message: `text ${number}`,
  created_at: at(number),
  reply: null,
  event: null,
  change_number: 0,
  ...more,
});
const system = (number, type, more = {}, sender = "bob") =>
  text(number, sender, { kind: "system", message: "", event: { type, users: [], title: null, role: null, ...more } });
const said = (message) =>
  systemParts(message, "me")
    .map((part) => (typeof part === "string" ? part : `<${part.name}>`))
    .join("");
const stateWith = (...rows) => applyGroups(initialState(ME), rows);

test("system messages say what a member has done, and name the user as you", () => {
  const users = [user("eve"), user("me", "Ann")];
  assert.deepEqual(
    [
      system(1, "created", { title: "Launch", users }),
      system(1, "created", { title: "Launch", users }, "me"),
      system(2, "renamed", { title: "Landing" }),
      system(3, "history"),
      system(4, "added", { users }),
      system(5, "removed", { users: [user("eve")] }, "me"),
      system(6, "left"),
      system(7, "left", { users: [user("me", "Ann")], role: "owner" }),
      system(8, "role", { users: [user("eve")], role: "admin" }),
      system(9, "role", { users: [user("me", "Ann")], role: "owner" }),
      system(10, "painted"),
      text(11, "bob", { kind: "system" }),
    ].map(said),
    [
      "<bob> created the group",
      "You created the group",
      "<bob> renamed the group to <Landing>",
      "New members see the history",
      "<bob> added you and <eve>",
      "You removed <eve>",
      "<bob> left",
      "<bob> left. You are the owner now",
      "<eve> is an admin now",
      "You are the owner now",
      "<bob> changed the group",
      "<bob> changed the group",
    ],
  );
});

test("of many names some are shown, and how many more there are", () => {
  assert.deepEqual(
    [["a"], ["a", "b"], ["a", "b", "c"], ["a", "b", "c", "d", "e"]].map((all) => enumerated(all, 3).join("")),
    ["a", "a and b", "a, b and c", "a, b and 3 others"],
  );
});

test("a system message stands by itself, moves no marker and counts for nothing", () => {
  const before = stateWith(row());
  const after = applyMessages(before, [system(3, "renamed", { title: "Landing" }, "me")]);
  assert.deepEqual(after.groups, before.groups);
  assert.deepEqual(after.markers, {});
  const rows = rowsOf([text(1), text(2), system(3, "left"), text(4)], [], "me", null).slice(1);
  assert.deepEqual(
    rows.map(({ kind, isFirst, isLast }) => [kind, isFirst, isLast]),
    [
      ["message", true, false],
      ["message", false, true],
      ["system", undefined, undefined],
      ["message", true, true],
    ],
  );
  assert.deepEqual(actionsOf(system(3, "left", {}, "me"), "me", {}, Date.now()), []);
});

test("a group that the user has left is not in the list, whatever its other parts say", () => {
  const state = stateWith(row());
  const left = applyEvent(state, { type: "group", group: row({ state: "left", version: 6 }) }, 0);
  assert.deepEqual([inboxOf(left.groups).length, countUnreadGroups(left.groups)], [0, 0]);
  const late = applyEvent(left, { type: "group", group: row() }, 0);
  assert.deepEqual(inboxOf(late.groups), []);
  const again = applyEvent(left, { type: "group", group: row({ version: 8 }) }, 0);
  assert.equal(inboxOf(again.groups).length, 1);
  assert.deepEqual(removeGroups({ ...state, kept: [{ group: "g" }] }, ["g"]).kept, []);
});

test("members that type are told by their first names", () => {
  let state = setMembers(stateWith(row()), "g", [user("bob", "Bob Stone"), user("eve", "Eve"), user("me", "Ann")]);
  const type = (user_uuid) => {
    state = applyEvent(state, { type: "typing", message_group_uuid: "g", user_uuid, is_typing: true }, 0);
    return typingText(state, state.groups.g);
  };
  assert.deepEqual(["me", "bob", "eve", "sam", "kim"].map(type), [
    "",
    "Bob is typing",
    "Bob and Eve are typing",
    "Bob, Eve and Another member are typing",
    "Bob, Eve and 2 others are typing",
  ]);
  assert.equal(typingText(state, { ...row({ kind: "direct" }), display_name: "Bob Stone" }), "Bob Stone is typing");
});

test("members have present names, and those with a handle can be mentioned", () => {
  let state = setMembers(stateWith(row()), "g", [user("bob", "Bob"), { ...user("gone", "Deleted"), handle: null }]);
  state = applyEvent(state, { type: "profile", user: { uuid: "bob", handle: "bob", display_name: "Robert" } }, 0);
  assert.deepEqual(mentionable(state, row()), [{ uuid: "bob", handle: "bob", display_name: "Robert" }]);
  assert.equal(senderOf(state, row()), "Robert");
  assert.equal(senderOf(state, row({ last_message_by: "me" })), "");
  assert.equal(senderOf(state, row({ kind: "direct" })), "");
  assert.deepEqual(mentionable(initialState(ME), row()), []);
});

test("the markers of some members are no receipt for all", () => {
  const state = { ...stateWith(row()), markers: { g: { bob: { read: 2, delivered: 2 } } } };
  assert.deepEqual(markersOfOthers(state, "g"), { read: 0, delivered: 0 });
  const direct = { ...state, groups: { g: row({ kind: "direct" }) } };
  assert.deepEqual(markersOfOthers(direct, "g"), { read: 2, delivered: 2 });
});

test("of many members some are offered after an @, and more letters find the others", () => {
  const many = Array.from({ length: 100 }, (_, n) => user(`member_${n}`, `Member ${n}`));
  const all = mentionable(setMembers(stateWith(row()), "g", many), row());
  assert.equal(suggestionsAt("@", 1, all).members.length, 8);
  assert.deepEqual(
    suggestionsAt("@99", 3, all).members.map((each) => each.uuid),
    ["member_99"],
  );
});

/** Answers calls in the order in which the test decides. */
function fakeApi() {
  const waiting = [];
  return { waiting, get: () => new Promise((resolve, reject) => waiting.push({ resolve, reject })) };
}

test("members are loaded once, again after a change, and the last request counts", async () => {
  const api = fakeApi();
  const store = new Store({ ...stateWith(row()), thread: { group: "g", messages: [] } });
  const members = new Members(api, store);
  const first = members.load("g");
  void members.load("g");
  assert.equal(api.waiting.length, 1);
  members.onEvent({ type: "message", message: system(3, "added"), group: row() });
  members.onEvent({ type: "message", message: text(4), group: row() });
  assert.equal(api.waiting.length, 2);
  api.waiting[1].resolve([user("bob"), user("eve")]);
  await new Promise(setImmediate);
  api.waiting[0].resolve([user("bob")]);
  await first;
  assert.equal(store.state.members.g.length, 2);
  store.set({ thread: null });
  members.onEvent({ type: "message", message: system(5, "left"), group: row() });
  assert.equal(api.waiting.length, 2);
  const again = members.load("g");
  api.waiting[2].reject(new NetworkError("away"));
  await again;
  void members.load("g");
  assert.equal(api.waiting.length, 4);
});

test("problems of groups are said plainly", () => {
  assert.equal(groupErrorText(new Problem(409, "group-full", "x", 0)), "A group cannot have so many members");
  assert.equal(groupErrorText(new Problem(429, "too-many-requests", "Too many requests", 1)), "Too many requests");
  assert.equal(groupErrorText(new NetworkError("The server cannot be reached")), "The server cannot be reached");
});
