// Messages that are hidden or expire: once the page knows of it, nothing brings their text back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const page = (/** @type {string} */ name) => import(pathToFileURL(`${process.env.PAGE}/${name}`).href);
const { applyEvent, applyGroups, applyMessages, applyMarkers, initialState } = await page("lib/store.js");
const { applyChanges, replaceMessage, withPending } = await page("lib/changes.js");
const { actionsOf } = await page("lib/actions.js");
const { expireMessages, hasExpired } = await page("lib/visibility.js");

const ME = { uuid: "me", handle: "ann", display_name: "Ann" };
const NOW = Date.UTC(2026, 0, 1, 12);
const CONFIG = { edit_window_seconds: 3600, delete_window_seconds: 3600, shows_edits: true };
const message = (number, more = {}) => ({
  uuid: `m${number}`,
  message_group_uuid: "g",
  number,
  user_uuid: "you",
  message: `text ${number}`,
  created_at: new Date(NOW - 60_000).toISOString(),
  reply_to: null,
  reply: null,
  edited_at: null,
  deleted_at: null,
  expires_at: null,
  is_hidden: false,
  version: 1,
  change_number: 0,
  reactions: [],
  ...more,
});
const reply = (of) => ({ reply_to: of.number, reply: { ...of, is_hidden: false } });
const row = (more = {}) => ({
  uuid: "g",
  last_number: 3,
  read_number: 0,
  unread_count: 3,
  message: "text 3",
  version: 1,
  change_number: 0,
  expires_at: null,
  unread_until: null,
  hidden: [],
  hide_count: 0,
  ...more,
});
const initial = (messages, more = {}) => ({
  ...initialState(ME),
  groups: { g: row(more) },
  thread: { group: "g", messages, changeNumber: 0, changes: [], isLoading: false },
});
const texts = (state) => state.thread.messages.map((each) => each.message);
const at = (ms) => new Date(NOW + ms).toISOString();

test("a view of a group hides messages here and in quotes, and no later change brings them back", () => {
  const first = message(1);
  const state = initial([first, message(2), message(3, reply(first))]);
  const hidden = row({ hidden: [1], hide_count: 1, version: 2, unread_count: 2 });
  let next = applyEvent(state, { type: "group", group: hidden }, NOW);
  assert.deepEqual(texts(next), ["", "text 2", "text 3"]);
  assert.equal(next.thread.messages[2].reply.message, "");
  assert.equal(next.groups.g.unread_count, 2);
  assert.equal(applyGroups(next, [hidden]).thread, next.thread, "twice is the same");
  const edit = { type: "edit", user_uuid: "you", created_at: at(0), message: "secret", version: 2, emoji: null };
  next = applyChanges(next, [{ ...edit, change_number: 1, number: 1, message_group_uuid: "g" }]);
  next = applyChanges(next, [
    { ...edit, type: "react", message: null, emoji: "👍", change_number: 2, number: 1, message_group_uuid: "g" },
  ]);
  assert.ok(!JSON.stringify(next.thread.messages).includes("secret"));
  assert.deepEqual(next.thread.messages[0].reactions, []);
  assert.deepEqual(actionsOf(next.thread.messages[0], "me", CONFIG, NOW), []);
});

test("a message that is hidden here is so at once, and stays so with the answer", () => {
  const state = initial([message(1)]);
  const pending = { group: "g", number: 1, type: "hide", refusal: null, created_at: at(0) };
  const [shown] = withPending(state.thread.messages, [pending], "me");
  assert.deepEqual([shown.is_hidden, shown.message], [true, ""]);
  const next = replaceMessage(state, message(1, { is_hidden: true, message: "" }));
  assert.deepEqual(texts(next), [""]);
  assert.deepEqual(texts(replaceMessage(next, message(1))), [""], "an answer from before does not bring it back");
});

test("a text is dropped at its deadline, in quotes too, and no earlier", () => {
  const first = message(1, { expires_at: at(1000), reactions: [{ emoji: "👍", count: 1, me: false }] });
  const state = initial([first, message(2, reply(first))]);
  assert.equal(expireMessages(state, NOW + 999), state);
  const next = expireMessages(state, NOW + 1000);
  assert.deepEqual(texts(next), ["", "text 2"]);
  assert.equal(next.thread.messages[1].reply.message, "");
  assert.deepEqual(next.thread.messages[0].reactions, []);
  assert.equal(expireMessages(next, NOW + 2000), next);
});

test("a text is dropped when the installation does not keep it any longer, in the inbox too, and no earlier", () => {
  const days = 2;
  const end = Date.parse(message(1).created_at) + days * 86_400_000;
  const told = message(3, { kind: "system", message: "", event: { type: "renamed", title: "Launch" } });
  const state = applyGroups(initial([message(1), message(2), told]), [row({ created_at: message(1).created_at })]);
  assert.equal(expireMessages(state, end, null), state);
  assert.equal(expireMessages(state, end - 1, days), state);
  const next = expireMessages(state, end, days);
  assert.deepEqual(texts(next), ["", "", ""]);
  assert.deepEqual([next.groups.g.message, next.groups.g.unread_count], ["", 0]);
  assert.ok(hasExpired(next.thread.messages[0], end));
  assert.equal(next.thread.messages[2], told);
  assert.deepEqual(actionsOf(next.thread.messages[0], "me", CONFIG, end), ["link", "hide"]);
  assert.equal(expireMessages(next, end + 1000, days), next);
});

test("the inbox never shows a text that expires", () => {
  const next = applyMessages(initial([]), [message(4, { expires_at: at(1000) })]);
  assert.deepEqual([next.groups.g.message, next.groups.g.expires_at], ["", at(1000)]);
  assert.equal(next.groups.g.unread_count, 4);
});

test("what is unread is what the service says, less what was read since", () => {
  const state = initial([], { unread_count: 1 });
  assert.equal(
    applyMarkers(state, "g", { user_uuid: "me", number: 1, delivered_number: 1 }).groups.g.unread_count,
    1,
    "of three messages two are gone",
  );
  assert.equal(applyMarkers(state, "g", { user_uuid: "me", number: 3, delivered_number: 3 }).groups.g.unread_count, 0);
  assert.equal(applyGroups(state, [row({ unread_count: 0, version: 1 })]).groups.g.unread_count, 0);
});

test("a message that expires is not edited, and one that has expired is only left", () => {
  const own = (more) => message(1, { user_uuid: "me", ...more });
  assert.ok(actionsOf(own({}), "me", CONFIG, NOW).includes("edit"));
  assert.ok(!actionsOf(own({ expires_at: at(1000) }), "me", CONFIG, NOW).includes("edit"));
  assert.deepEqual(actionsOf(own({ expires_at: at(0) }), "me", CONFIG, NOW), ["link", "hide"]);
});
