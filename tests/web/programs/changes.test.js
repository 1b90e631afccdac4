// Changes of messages on the page: in any order, repeated, late or missed, they lead to what the service has.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const page = (/** @type {string} */ name) => import(pathToFileURL(`${process.env.PAGE}/${name}`).href);
const { applyEvent, initialState, prependOlder, Store } = await page("lib/store.js");
const { applyChanges, replaceMessage, withPending, withRecentChanges } = await page("lib/changes.js");
const { quotedBy } = await page("lib/selectors.js");
const { NetworkError, Problem } = await page("lib/api.js");
const { Outbox } = await page("lib/outbox.js");
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
  mentions: [],
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
  mentions: [],
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

/** An outbox whose requests are answered by a function, and what it has sent. */
const outboxWith = (answer) => {
  const waiting = new Map();
  const storage = {
    prefix: "outbox",
    put: (entry) => waiting.set(entry.uuid, entry),
    remove: (uuid) => waiting.delete(uuid),
    all: () => [...waiting.values()],
  };
  const sent = [];
  const api = {
    get: () => Promise.resolve(message(1, { message: "elsewhere", version: 2, change_number: 5 })),
    call: (method, path, body, fields) => {
      sent.push([method, path, body, fields]);
      return answer(sent.length);
    },
  };
  const store = new Store(initial([message(1), message(2)]));
  return { outbox: new Outbox(api, store, storage), store, sent, storage };
};
const soon = () => new Promise((resolve) => setTimeout(resolve, 20));

test("changes are sent in their order, between messages, and a repetition is the same", async () => {
  const { outbox, store, sent } = outboxWith((count) => {
    if (count === 1) return Promise.reject(new NetworkError("no answer"));
    return Promise.resolve(count === 4 ? message(3) : message(1, { change_number: count, version: count }));
  });
  outbox.change(message(1), "edit", { text: "new", version: 1 });
  outbox.change(message(1), "react", { emoji: "❤️" });
  outbox.add({ group: "g", handle: null }, "hello", null);
  outbox.change(message(2), "delete");
  assert.deepEqual(
    withPending(store.state.thread.messages, store.state.pendingChanges, "me").map((each) => each.message),
    ["new", ""],
  );
  await soon();
  outbox.retryNow();
  await soon();
  assert.deepEqual(sent[0], sent[1]);
  const [, , { uuid }] = sent[0];
  assert.deepEqual(
    sent.slice(1).map(([method, path, body, fields]) => [method, path, body?.message, fields]),
    [
      ["PATCH", "/api/messages/g/1", "new", { "if-match": '"1"' }],
      ["PUT", "/api/messages/g/1/reactions/%E2%9D%A4%EF%B8%8F", undefined, undefined],
      ["POST", "/api/messages", "hello", undefined],
      ["DELETE", "/api/messages/g/2", undefined, undefined],
    ],
  );
  assert.match(uuid, /^[0-9a-f-]{36}$/);
  assert.deepEqual([store.state.pendingChanges, store.state.pending], [[], []]);
  assert.equal(store.state.thread.messages[0].change_number, 5);
});

test("a second edit expects the version that the first one makes", () => {
  const pending = ["first", "second"].map((text) => ({
    group: "g",
    number: 1,
    type: "edit",
    text,
    emoji: null,
    refusal: null,
    created_at: at(1),
  }));
  const [shown] = withPending([message(1)], pending, "me");
  assert.deepEqual([shown.message, shown.version, shown.edited_at], ["second", 3, at(1)]);
});

test("a refused change stays with its reason and holds up nothing, and another of its kind takes its place", async () => {
  const { outbox, store, sent, storage } = outboxWith((count) => {
    const refusals = [
      new Problem(412, "version-differs", "read it again", 0),
      new Problem(409, "limit", "Too many", 0),
    ];
    const refusal = [...refusals, new Problem(404, "message-not-found", "gone", 0)][count - 1];
    return refusal ? Promise.reject(refusal) : Promise.resolve(message(1, { change_number: 6 }));
  });
  outbox.change(message(1), "edit", { text: "mine", version: 1 });
  outbox.change(message(1), "react", { emoji: "🎉" });
  outbox.change(message(2), "delete");
  outbox.change(message(2), "react", { emoji: "👍" });
  await soon();
  assert.equal(sent.length, 4);
  assert.deepEqual(
    store.state.pendingChanges.map((each) => [each.type, each.text, each.refusal]),
    [
      ["edit", "mine", "The message was edited elsewhere meanwhile"],
      ["react", null, "Too many"],
    ],
  );
  const shown = withPending(store.state.thread.messages, store.state.pendingChanges, "me");
  assert.deepEqual([shown[0].message, shown[0].reactions], ["text 1", []], "what was refused is not shown as done");
  outbox.change(message(1), "edit", { text: "mine", version: 2 });
  await soon();
  assert.deepEqual(
    storage.all().map((each) => each.type),
    ["react"],
  );
});
