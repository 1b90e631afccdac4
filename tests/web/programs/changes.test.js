// Changes of messages on the page: in any order, repeated, late or missed, they lead to what the service has.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const page = (/** @type {string} */ name) => import(pathToFileURL(`${process.env.PAGE}/${name}`).href);
const { applyEvent, initialState, prependOlder, Store } = await page("lib/store.js");
const { applyChanges, replaceMessage, withRecentChanges } = await page("lib/changes.js");
const { quotedBy } = await page("lib/selectors.js");
const { Conversation } = await page("lib/conversation.js");

const ME = { uuid: "me", handle: "ann", display_name: "Ann" };
const at = (/** @type {number} */ n) => new Date(Date.UTC(2026, 0, 1, 12, n)).toISOString();
const message = (number, more = {}) => ({
  uuid: `m${number}`,
  message_group_uuid: "g",
  number,
  user_uuid: "you",
  display_name: "Bob",
  message: `text ${number}`,
  created_at: at(number),
  reply_to: null,
  reply: null,
  edited_at: null,
  deleted_at: null,
  version: 1,
  change_number: 0,
  reactions: [],
  ...more,
});
const change = (change_number, number, type, more = {}) => ({
  change_number,
  uuid: `c${change_number}`,
  message_group_uuid: "g",
  number,
  type,
  user_uuid: "you",
  created_at: at(100 + change_number),
  message: null,
  version: null,
  emoji: null,
  ...more,
});
const row = (change_number, version = 1 + change_number) => ({
  uuid: "g",
  last_number: 3,
  read_number: 3,
  unread_count: 0,
  message: "text 3",
  version,
  change_number,
});
const thread = (messages, changeNumber = 0) => ({ group: "g", messages, changeNumber, changes: [], isLoading: false });
const initial = (messages) => ({ ...initialState(ME, []), groups: { g: row(0) }, thread: thread(messages) });
const event = (each) => ({ type: "change", change: each, group: row(each.change_number) });
const REPLY = message(3, { reply_to: 1, reply: { number: 1, message: "text 1", deleted_at: null } });
const HISTORY = [
  change(1, 1, "react", { emoji: "👍" }),
  change(2, 1, "react", { emoji: "👍", user_uuid: "me" }),
  change(3, 1, "edit", { message: "second", version: 2 }),
  change(4, 2, "react", { emoji: "🎉" }),
  change(5, 1, "react", { emoji: "❤️", user_uuid: "me" }),
  change(6, 1, "unreact", { emoji: "👍" }),
  change(7, 1, "edit", { message: "third", version: 3 }),
  change(8, 2, "unreact", { emoji: "🎉" }),
  change(9, 2, "delete"),
];
const LATEST = [
  message(1, {
    message: "third",
    version: 3,
    edited_at: at(107),
    change_number: 7,
    reactions: [
      { emoji: "❤️", count: 1, me: true },
      { emoji: "👍", count: 1, me: true },
    ],
  }),
  message(2, { message: "", deleted_at: at(109), change_number: 9 }),
  { ...REPLY, reply: { ...REPLY.reply, message: "third" } },
];

test("changes lead to what the service has, in whatever order events, pages and answers bring them", () => {
  for (let seed = 1; seed <= 300; seed++) {
    let random = seed;
    const below = (/** @type {number} */ count) => {
      random = (random * 48_271) % 2_147_483_647;
      return random % count;
    };
    let state = initial([message(1), message(2), REPLY]);
    for (let step = 0; step < 12; step++) {
      const each = HISTORY[below(HISTORY.length)];
      if (below(4) === 0) state = replaceMessage(state, LATEST[below(2)]);
      else state = applyEvent(state, event(each), 0);
    }
    state = applyChanges(state, HISTORY.slice(below(state.thread.changeNumber + 1)));
    assert.deepEqual(state.thread.messages, LATEST, `seed ${seed}`);
    assert.equal(state.thread.changeNumber, 9);
  }
});

test("a change that comes while a page is loaded reaches the page, unless the page has it", () => {
  const state = HISTORY.reduce((next, each) => applyEvent(next, event(each), 0), initial([REPLY]));
  for (const loaded of [[message(1), message(2)], LATEST.slice(0, 2)]) {
    const joined = prependOlder(state.thread, withRecentChanges(state.thread, loaded, "me"));
    assert.deepEqual(joined.messages, LATEST);
  }
});

test("conversations that were open before get changes, too", () => {
  const state = { ...initial([]), thread: null, kept: [thread([message(1), message(2), REPLY])] };
  assert.deepEqual(applyChanges(state, HISTORY).kept[0].messages, LATEST);
});

test("a change of a type that is not known is counted and changes nothing else", () => {
  const state = applyEvent(initial([message(1)]), event(change(1, 1, "sparkle")), 0);
  assert.deepEqual(state.thread.messages, [message(1, { change_number: 1 })]);
});

test("missing changes are fetched after the last one that the conversation has", async () => {
  const asked = [];
  const api = {
    get: (path) => {
      asked.push(path);
      return Promise.resolve(HISTORY.slice(1));
    },
  };
  const store = new Store(initial([message(1), message(2), REPLY]));
  const conversation = new Conversation(api, store);
  await conversation.loadChanges();
  for (const each of [HISTORY[0], HISTORY[8]]) store.update((state) => applyEvent(state, event(each), 0));
  await Promise.all([conversation.loadChanges(), conversation.loadChanges()]);
  await conversation.loadChanges();
  assert.deepEqual(asked, ["/api/messages/g/changes?after=1&limit=100"]);
  assert.deepEqual(store.state.thread.messages, LATEST);
});

test("a quote shows the message as it stands in the window, or else as it came with the reply", () => {
  assert.equal(quotedBy([LATEST[0]], REPLY), LATEST[0]);
  assert.equal(quotedBy([], REPLY), REPLY.reply);
  assert.equal(quotedBy([], { reply_to: 9, reply: null }), null);
});
