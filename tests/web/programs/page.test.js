// The page's logic without a browser: events in any order, late or repeated, lead to the same state.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const page = (/** @type {string} */ name) => import(pathToFileURL(`${process.env.PAGE}/${name}`).href);
const { applyEvent, applyGroups, applyMessages, expireTyping, initialState, appendNewer, prependOlder, MAX_WINDOW } =
  await page("lib/store.js");
const { Store } = await page("lib/store.js");
const { folderOf, inboxOf, countAfterWindow, markersOfOthers, countUnreadGroups, pendingFor } =
  await page("lib/selectors.js");
const { EventParser } = await page("lib/events.js");
const { Backoff } = await page("lib/backoff.js");
const { Api, NetworkError, Problem } = await page("lib/api.js");
const { Inbox } = await page("lib/inbox.js");
const { Outbox } = await page("lib/outbox.js");
const { beginningOf, hueOf, initialsOf, countCharacters, splitLinks } = await page("lib/text.js");
const { formatAgo, dayLabel } = await page("lib/time.js");
const { rowsOf } = await page("lib/rows.js");
const { parseRoute } = await page("lib/router.js");
const { searchEmoji } = await page("lib/emoji.js");
const { isEmojiOnly, partsOf } = await page("lib/markup.js");
const { mentionedIn, suggestionsAt } = await page("lib/mentions.js");
const { Deliveries } = await page("lib/deliveries.js");
const { uuid7 } = await page("lib/uuid7.js");

const ME = { uuid: "me", handle: "ann", display_name: "Ann" };
const at = (/** @type {number} */ n) => new Date(Date.UTC(2026, 0, 1, 12, n)).toISOString();
const message = (number, user = "you", group = "g") => ({
  uuid: `m${number}`,
  message_group_uuid: group,
  number,
  user_uuid: user,
  message: `text ${number}`,
  created_at: at(number),
  reply_to: null,
  reply: null,
  change_number: 0,
});
const row = (last, read, version, group = "g") => ({
  uuid: group,
  handle: "bob",
  display_name: "Bob",
  message: `text ${last}`,
  created_at: at(last),
  last_number: last,
  last_message_by: "you",
  read_number: read,
  unread_count: last - read,
  version,
  change_number: 0,
  state: "active",
  folder: "inbox",
  muted_until: null,
  pin_position: null,
  cleared_number: 0,
});
const thread = (messages, more = {}) => ({
  group: "g",
  messages,
  isLoading: false,
  isBusy: false,
  failure: null,
  atStart: false,
  isFollowing: true,
  unreadFrom: null,
  scrollTarget: { at: "end" },
  changeNumber: 0,
  changes: [],
  ...more,
});
const range = (first, last) => Array.from({ length: last - first + 1 }, (_, index) => message(first + index));
const initial = (more = {}) => ({ ...initialState(ME, []), ...more });

test("repeated and late events lead to the same state", () => {
  const events = [
    { type: "message", message: message(4), group: row(4, 2, 5) },
    { type: "message", message: message(5, "me"), group: row(5, 5, 6) },
    { type: "read", message_group_uuid: "g", user_uuid: "you", number: 4, delivered_number: 5 },
    { type: "group", group: row(5, 5, 6) },
  ];
  const before = initial({ groups: { g: row(3, 2, 4) }, thread: thread(range(1, 3)) });
  const once = events.reduce((state, event) => applyEvent(state, event, 0), before);
  const twice = [...events, ...events, events[0]].reduce((state, event) => applyEvent(state, event, 0), before);
  assert.deepEqual(twice, once);
  assert.deepEqual(
    once.thread.messages.map((each) => each.number),
    [1, 2, 3, 4, 5],
  );
  assert.equal(once.groups.g.unread_count, 0);
  assert.deepEqual(markersOfOthers(once, "g"), { read: 4, delivered: 5 });
});

test("markers only move forward, each by itself, and are those of other members", () => {
  const markers = [
    ["you", 2, 4],
    ["you", 3, 3],
    ["you", 1, 1],
    ["me", 9, 9],
  ];
  const apply = (state, [user_uuid, number, delivered_number]) =>
    applyEvent(state, { type: "read", message_group_uuid: "g", user_uuid, number, delivered_number }, 0);
  for (const order of [markers, markers.toReversed()]) {
    const state = order.reduce(apply, initial());
    assert.deepEqual(markersOfOthers(state, "g"), { read: 3, delivered: 4 });
    const hidden = { ...state, settings: { receipts: false } };
    assert.deepEqual(markersOfOthers(hidden, "g"), { read: 0, delivered: 0 });
  }
});

test("a group that is marked unread counts as unread, and so does one with unread messages", () => {
  const marked = { ...row(3, 3, 1, "h"), is_marked_unread: true };
  assert.equal(countUnreadGroups({ g: row(3, 3, 1), h: marked, i: row(3, 2, 1, "i") }), 2);
});

test("what was received is reported once for all tabs, unless it was read or receipts are hidden", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const saved = new Map();
  globalThis.localStorage = {
    getItem: (key) => saved.get(key) ?? null,
    setItem: (key, value) => saved.set(key, value),
    removeItem: (key) => saved.delete(key),
  };
  const calls = [];
  const api = {
    call: (_, path, { number }) => {
      calls.push([path.split("/")[3], number]);
      return Promise.resolve({ user_uuid: "me", number: 0, delivered_number: number });
    },
  };
  const store = new Store(initial());
  const tabs = [new Deliveries(api, store), new Deliveries(api, store)];
  for (const tab of tabs) tab.start();
  const wait = async () => {
    context.mock.timers.tick(10_000);
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  };
  const receive = (...rows) => store.update((state) => applyGroups(state, rows));
  receive(row(3, 0, 1));
  await wait();
  assert.deepEqual(calls, [], "the settings are not known yet");
  store.set({ settings: { receipts: true } });
  await wait();
  assert.deepEqual(calls, [["g", 3]]);
  for (let last = 4; last < 9; last++) receive(row(last, 0, last), row(last, last, last, "h"));
  await wait();
  assert.deepEqual(calls, [
    ["g", 3],
    ["g", 8],
  ]);
  store.set({ settings: { receipts: false } });
  receive(row(9, 0, 9));
  await wait();
  for (const tab of tabs) tab.stop();
  store.set({ settings: { receipts: true } });
  await wait();
  assert.equal(calls.length, 2);
  tabs[0].clear();
  assert.equal(saved.size, 0);
});

test("an older row never replaces a newer one, and markers never go back", () => {
  const state = applyGroups(initial(), [row(9, 9, 7), row(8, 2, 6)]);
  assert.deepEqual([state.groups.g.version, state.groups.g.read_number, state.groups.g.unread_count], [7, 9, 0]);
});

test("messages after a gap are counted but not shown until a page closes it", () => {
  const before = initial({ groups: { g: row(3, 3, 4) }, thread: thread(range(1, 3)) });
  const state = applyEvent(before, { type: "message", message: message(6), group: row(6, 3, 7) }, 0);
  assert.equal(state.thread.messages.at(-1).number, 3);
  assert.equal(countAfterWindow(state), 3);
  const closed = appendNewer(state.thread, range(4, 6));
  assert.deepEqual(
    closed.messages.map((each) => each.number),
    [1, 2, 3, 4, 5, 6],
  );
});

test("a message that is shown is not shown as pending, too, while its answer is on its way", () => {
  const pending = [
    { uuid: "m1", group: "g" },
    { uuid: "m2", group: "g" },
  ];
  assert.deepEqual(pendingFor(pending, "g", null, [message(1, "me")]), [pending[1]]);
});

test("a message from the server replaces the pending one of its uuid", () => {
  const pending = [{ uuid: "m1" }, { uuid: "other" }];
  const state = applyMessages(initial({ pending, groups: { g: row(1, 0, 1) } }), [message(1, "me")]);
  assert.deepEqual(state.pending, [{ uuid: "other" }]);
});

test("the window keeps its size when a page joins at either end", () => {
  const older = prependOlder(thread(range(101, 100 + MAX_WINDOW)), range(51, 100));
  assert.deepEqual([older.messages.length, older.messages[0].number, older.atStart], [MAX_WINDOW, 51, false]);
  const newer = appendNewer(older, range(older.messages.at(-1).number + 1, older.messages.at(-1).number + 50));
  assert.deepEqual([newer.messages.length, newer.messages[0].number], [MAX_WINDOW, 101]);
  assert.equal(prependOlder(thread(range(4, 10)), range(1, 3)).atStart, true);
});

test("a full window takes a new message only while its end is in view", () => {
  const messages = range(1, MAX_WINDOW);
  const event = { type: "message", message: message(MAX_WINDOW + 1), group: row(MAX_WINDOW + 1, 0, 2) };
  for (const [isFollowing, first] of [
    [true, 2],
    [false, 1],
  ]) {
    const state = applyEvent(
      initial({ groups: { g: row(MAX_WINDOW, 0, 1) }, thread: thread(messages, { isFollowing }) }),
      event,
      0,
    );
    assert.deepEqual([state.thread.messages.length, state.thread.messages[0].number], [MAX_WINDOW, first]);
  }
});

test("the inbox is sorted by activity and counts unread groups, not messages", () => {
  const state = applyGroups(initial(), [row(1, 1, 1, "a"), row(3, 1, 1, "b"), row(2, 2, 1, "c")]);
  assert.deepEqual(
    inboxOf(state.groups).map((each) => each.uuid),
    ["b", "c", "a"],
  );
  assert.equal(countUnreadGroups(state.groups), 1);
});

test("pinned groups come first in their order, and what is archived, left or muted does not count", () => {
  const rows = [
    { ...row(1, 0, 1, "a"), pin_position: 2 },
    row(4, 0, 1, "b"),
    { ...row(2, 0, 1, "c"), pin_position: 1 },
    { ...row(5, 0, 1, "d"), folder: "archive" },
    { ...row(6, 0, 1, "e"), state: "left" },
    { ...row(3, 0, 1, "f"), muted_until: "9999-12-31T23:59:59.999Z" },
  ];
  const state = applyGroups(initial(), rows);
  const shown = (folder) => folderOf(state.groups, folder).map((each) => each.uuid);
  assert.deepEqual([shown("inbox"), shown("archive")], [["c", "a", "b", "f"], ["d"]]);
  assert.equal(countUnreadGroups(state.groups), 3);
  const back = applyGroups(state, [{ ...row(7, 0, 2, "e") }]);
  assert.equal(folderOf(back.groups, "inbox")[2].uuid, "e");
});

test("cleared messages leave the open conversation and those that were open before", () => {
  const before = thread([message(1), message(2), message(3)]);
  const state = { ...initial({ groups: { g: row(3, 3, 1) } }), thread: before, kept: [{ ...before }] };
  const cleared = applyGroups(state, [{ ...row(3, 3, 2), message: "", cleared_number: 2 }]);
  for (const each of [cleared.thread, ...cleared.kept]) {
    assert.deepEqual([each.messages.map(({ number }) => number), each.atStart], [[3], true]);
  }
  assert.equal(applyGroups(cleared, [{ ...row(3, 3, 3), cleared_number: 2 }]).thread, cleared.thread);
});

test("typing ends after its time, by an event, and by a message", () => {
  const typing = { type: "typing", message_group_uuid: "g", user_uuid: "you", is_typing: true };
  const state = applyEvent(initial({ groups: { g: row(1, 1, 1) } }), typing, 1000);
  assert.deepEqual(Object.keys(state.typing.g), ["you"]);
  assert.deepEqual(expireTyping(state, 15_999).typing.g, state.typing.g);
  const ends = [
    expireTyping(state, 16_000),
    applyEvent(state, { ...typing, is_typing: false }, 2000),
    applyEvent(state, { type: "message", message: message(2), group: row(2, 1, 2) }, 2000),
  ];
  for (const end of ends) assert.deepEqual(end.typing.g, {});
  assert.deepEqual(applyEvent(initial(), { ...typing, user_uuid: "me" }, 0).typing, {});
});

test("a new name replaces the old one in the inbox and the conversation", () => {
  const state = applyGroups(initial({ thread: thread([message(1)]) }), [row(1, 1, 1)]);
  const renamed = applyEvent(
    state,
    { type: "profile", user: { uuid: "you", handle: "bob", display_name: "Robert" } },
    0,
  );
  assert.deepEqual([renamed.groups.g.display_name, renamed.thread.messages[0].display_name], ["Robert", "Robert"]);
});

test("an event of an unknown type changes nothing", () => {
  const state = initial();
  assert.equal(applyEvent(state, { type: "reaction" }, 0), state);
});

test("events are parsed from chunks of any size", () => {
  const text = ': ping\n\nretry: 700\nid: 1-1\nevent: read\ndata: {"a":\ndata: 1}\n\r\n\nid: 1-2\ndata: {"b": 2}\n\nda';
  for (const size of [1, 3, 1000]) {
    const parser = new EventParser();
    const events = [];
    for (let index = 0; index < text.length; index += size)
      events.push(...parser.push(text.slice(index, index + size)));
    assert.deepEqual(
      events.map(({ id, data, retry }) => [id, data, retry]),
      [
        ["1-1", '{"a":\n1}', 700],
        ["1-2", '{"b": 2}', null],
      ],
    );
  }
});

test("characters are counted as the server counts them, with white space, but a blank text has none", () => {
  const counted = [
    ["", 0],
    [" \n\u0085\u001c\u3000", 0],
    ["  a\u0085\u001c", 5],
    ["\ufeffa", 2],
    ["\u{1f33f}\u{1f33f}", 2],
    ["e\u0301", 2],
    ["\u00a0\u2003x y\n", 6],
  ];
  for (const [text, length] of counted) assert.equal(countCharacters(text), length);
});

test("only http and https addresses become links", () => {
  const links = (/** @type {string} */ text) =>
    splitLinks(text)
      .filter((part) => part.href)
      .map((part) => part.text);
  assert.deepEqual(links("see https://a.example/b?c=d. And (http://x.example)!"), [
    "https://a.example/b?c=d",
    "http://x.example",
  ]);
  assert.deepEqual(links("(see https://a.example/b_(c)), or www.d.example/e."), [
    "https://a.example/b_(c)",
    "www.d.example/e",
  ]);
  assert.deepEqual(
    splitLinks("www.a.example, ann.b+c@mail.example and HTTP://d.example").map((part) => part.href),
    ["https://www.a.example", null, "mailto:ann.b+c@mail.example", null, "HTTP://d.example"],
  );
  assert.deepEqual(links("www. www.. a@b @c.example d@.example"), []);
  assert.deepEqual(links("javascript:alert(1) ftp://a data:x xhttps://a"), []);
  for (const text of ["a https://b.example c", "https://b.example", "", "no"]) {
    assert.equal(
      splitLinks(text)
        .map((part) => part.text)
        .join(""),
      text,
    );
  }
});

test("a very tall text is shown by its beginning", () => {
  const lines = (/** @type {number} */ count) => Array.from({ length: count }, (_, n) => `line ${n}`).join("\n");
  assert.equal(beginningOf(lines(30)), lines(30));
  assert.equal(beginningOf(lines(31)), lines(20));
  assert.equal(beginningOf("x".repeat(1800)), "x".repeat(1800));
  assert.equal(beginningOf("x".repeat(1801)), `${"x".repeat(1200)}…`);
});

test("initials come from the first and last word of a name, and the seeded users have different hues", () => {
  assert.deepEqual(["Juniper Vale", "théo", "  ", "(x) Ann von Berg"].map(initialsOf), ["JV", "T", "?", "XB"]);
  assert.equal(new Set(["juniper", "osman", "priya", "theo"].map(hueOf)).size, 4);
});

test("times and days are named by the calendar, over a change of the clocks", () => {
  const now = new Date(2026, 2, 30, 12).getTime(); // the day after clocks went forward in Europe
  const ago = (/** @type {Date} */ then) => formatAgo(then.toISOString(), now);
  assert.deepEqual(
    [
      new Date(now - 5_000),
      new Date(now - 300_000),
      new Date(2026, 2, 30, 9, 5),
      new Date(2026, 2, 29, 0, 30),
      new Date(2026, 2, 26, 9),
      new Date(2025, 5, 1),
    ].map(ago),
    ["now", "5 min", "9:05", "Yesterday", "Thu", "1 June 2025"],
  );
  assert.deepEqual(
    [new Date(now), new Date(2026, 2, 29, 23, 59), new Date(2026, 2, 25)].map((day) =>
      dayLabel(day.toISOString(), now),
    ),
    ["Today", "Yesterday", "Wednesday"],
  );
});

test("rows are split by day, by the first unread message, and by sender", () => {
  const day = 24 * 60;
  const messages = [
    message(1),
    message(2),
    message(3, "me"),
    { ...message(4, "me"), created_at: at(day) },
    { ...message(5), created_at: at(day + 1) },
  ];
  const rows = rowsOf(messages, [], "me", 5);
  assert.deepEqual(
    rows.map((each) => each.kind),
    ["day", "message", "message", "message", "day", "message", "unread", "message"],
  );
  assert.deepEqual(
    rows.filter((each) => each.kind === "message").map((each) => [each.isFirst, each.isLast]),
    [
      [true, false],
      [false, true],
      [true, true],
      [true, true],
      [true, true],
    ],
  );
});

test("only the addresses of a group and of a new conversation lead out of the inbox", () => {
  const uuid = "0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a10";
  assert.deepEqual(parseRoute(`/messages/${uuid}`), { page: "group", uuid, number: null });
  assert.deepEqual(parseRoute(`/messages/${uuid}/42`), { page: "group", uuid, number: 42 });
  assert.deepEqual(parseRoute("/messages/new/@Bob"), { page: "new", handle: "bob" });
  for (const path of ["/", "/messages", "/messages/new", "/messages/new/../x", "/messages/x", `/messages/${uuid}/x`])
    assert.deepEqual(parseRoute(path), { page: "groups" });
});

test("uuids are of version 7 and sort in the order of their creation", () => {
  const uuids = Array.from({ length: 1000 }, uuid7);
  assert.deepEqual([...uuids].sort(), uuids);
  for (const uuid of uuids) assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("delays between attempts grow to a limit, respect the server's, and can be cut short", async (context) => {
  const delays = [];
  context.mock.method(Math, "random", () => 1);
  const { mock: timer } = context.mock.method(globalThis, "setTimeout", (wake, delay) => {
    delays.push(delay);
    queueMicrotask(wake);
  });
  const backoff = new Backoff();
  for (let failures = 0; failures < 20; failures++) await backoff.wait();
  await backoff.wait(60_000);
  backoff.reset();
  await backoff.wait();
  assert.deepEqual([...delays.slice(0, 3), ...delays.slice(19)], [500, 750, 1125, 15_000, 60_000, 500]);
  timer.mockImplementation(() => 0);
  const waiting = backoff.wait();
  backoff.retryNow();
  await waiting;
});

test("work that fails is repeated until the backoff is stopped, which ends a wait, too", async () => {
  const backoff = new Backoff();
  let attempts = 0;
  const failing = backoff.repeat(
    () => Promise.reject(new NetworkError(`attempt ${++attempts}`)),
    () => attempts < 3 && queueMicrotask(() => backoff.retryNow()),
  );
  while (attempts < 3) await new Promise(setImmediate);
  backoff.stop();
  await assert.rejects(failing, /attempt 3/);
  await assert.rejects(
    backoff.repeat(() => Promise.reject(new NetworkError("after it"))),
    /after it/,
  );
});

test("the first page of each folder is loaded once it is shown, also after a refusal, and then the next ones", async () => {
  const asked = [];
  const refusal = new Problem(403, "no", "No", 0);
  const answers = [refusal, refusal, "/p2", null, "/a2"];
  const getPage = (path) => {
    asked.push(path);
    const next = path === "/api/users/me/pins" ? null : answers.shift();
    return next instanceof Problem ? Promise.reject(next) : Promise.resolve({ items: [], next });
  };
  const store = new Store(initial());
  const inbox = new Inbox({ getPage }, store);
  await inbox.loadMore();
  store.set({ hasInbox: true }); // by a sync
  inbox.show("archive");
  await new Promise(setImmediate);
  inbox.show("inbox");
  await new Promise(setImmediate);
  for (let more = 0; more < 2; more++) await inbox.loadMore();
  inbox.show("archive");
  await new Promise(setImmediate);
  const first = ["/api/users/me/pins", "/api/message_groups?limit=50"];
  const archive = "/api/message_groups?limit=50&folder=archive";
  assert.deepEqual(asked, [...first, archive, ...first, "/p2", archive]);
  assert.deepEqual(store.state.nextPages, { inbox: null, requests: undefined, archive: "/a2" });
});

test("a message written at the moment in which the outbox becomes empty is sent, too", async () => {
  const waiting = new Map();
  const storage = {
    prefix: "outbox",
    put: (pending) => waiting.set(pending.uuid, pending),
    remove: (uuid) => waiting.delete(uuid),
    all: () => {
      if (sent.length === 1 && waiting.size === 0 && !hasWritten) {
        hasWritten = true;
        queueMicrotask(() => outbox.add({ group: "g", handle: null }, "second", null));
      }
      return [...waiting.values()];
    },
  };
  let hasWritten = false;
  const sent = [];
  const api = {
    call: (_method, _path, body) => {
      sent.push(body.message);
      return Promise.resolve({ ...message(sent.length, "me"), uuid: body.uuid });
    },
  };
  // The outbox reads the storage for the page as well, which must not count as a read of the sending round.
  const outbox = new Outbox(api, new Store(initial()), storage);
  outbox.refresh = () => {};
  outbox.add({ group: "g", handle: null }, "first", null);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(sent, ["first", "second"]);
});

test("a message to a person that must wait holds up no message to another", async () => {
  const waiting = new Map();
  const storage = {
    prefix: "outbox",
    all: () => [...waiting.values()],
    put: (pending) => waiting.set(pending.uuid, pending),
    remove: (uuid) => waiting.delete(uuid),
  };
  const sent = [];
  const api = {
    call: (_method, _path, body) => {
      const limited = new Problem(429, "too-many-requests", "Too many requests", 600);
      if (body.handle === "new") return Promise.reject(limited);
      sent.push(body.message);
      return Promise.resolve({ ...message(sent.length, "me"), uuid: body.uuid });
    },
  };
  const outbox = new Outbox(api, new Store(initial()), storage);
  outbox.add({ group: null, handle: "new" }, "to a stranger", null);
  outbox.add({ group: "g", handle: null }, "to a friend", null);
  await new Promise((resolve) => setTimeout(resolve, 20));
  outbox.add({ group: "g", handle: null }, "while the outbox waits", null);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(sent, ["to a friend", "while the outbox waits"]);
  assert.deepEqual(
    storage.all().map((pending) => [pending.text, pending.refusal]),
    [["to a stranger", null]],
  );
  outbox.stop();
});

test("a response that breaks off after its head is a network error, which may be tried again", async () => {
  const broken = () => new ReadableStream({ pull: (controller) => controller.error(new TypeError("Failed to fetch")) });
  const original = globalThis.fetch;
  const api = new Api({ getAccessToken: () => Promise.resolve("token") });
  try {
    for (const status of [200, 503]) {
      globalThis.fetch = () => Promise.resolve(new Response(broken(), { status }));
      const isRetryable = (error) => error.isRetryable && (status === 503 || error instanceof NetworkError);
      await assert.rejects(api.get("/api/x"), isRetryable);
      await assert.rejects(api.getPage("/api/x"), isRetryable);
      await assert.rejects(api.call("POST", "/api/x", {}), isRetryable);
    }
  } finally {
    globalThis.fetch = original;
  }
});

test("a message that is too old to be sent with its number is sent with the present one, once the page knows it", async () => {
  const waiting = new Map();
  const storage = {
    prefix: "outbox",
    put: (entry) => waiting.set(entry.uuid, entry),
    remove: (uuid) => waiting.delete(uuid),
    all: () => [...waiting.values()],
  };
  const store = new Store(applyGroups(initial(), [row(3, 3, 1)]));
  const tried = [];
  const api = {
    call: (_method, _path, body) => {
      tried.push(body.after);
      if (body.after < 600) return Promise.reject(new Problem(409, "after-too-old", "too old", 0));
      return Promise.resolve({ ...message(1201, "me"), uuid: body.uuid });
    },
  };
  const outbox = new Outbox(api, store, storage);
  const turn = () => new Promise((resolve) => setTimeout(resolve, 20));
  outbox.add({ group: "g", handle: null }, "late", null);
  await turn();
  const [pending] = waiting.values();
  assert.deepEqual([tried, pending.after, pending.refusal], [[3], null, "too old"]);
  store.update((state) => applyGroups(state, [row(500, 3, 2)]));
  outbox.retry(pending.uuid);
  store.update((state) => applyGroups(state, [row(1200, 3, 3)]));
  await turn();
  assert.deepEqual([tried, waiting.size], [[3, 500, 1200], 0]);
});

test("emoji are found by the beginnings of the words of their names, those first that are called so", () => {
  const groups = [
    { name: "a", emoji: [{ emoji: "🧑‍🚀", name: "astronaut", words: " astronaut rocket space", tones: [] }] },
    { name: "b", emoji: [{ emoji: "🚀", name: "rocket", words: " rocket launch space", tones: [] }] },
  ];
  const found = (/** @type {string} */ query) =>
    searchEmoji(groups, query).flatMap((group) => group.emoji.map((each) => each.emoji));
  assert.deepEqual([" ", "Roc", "space", "space laun", "cket", "🚀", "!"].map(found), [
    ["🧑‍🚀", "🚀"],
    ["🚀", "🧑‍🚀"],
    ["🧑‍🚀", "🚀"],
    ["🚀"],
    [],
    ["🚀"],
    ["🧑‍🚀", "🚀"],
  ]);
});

test("code and emphasis are found between their marks, and nothing is lost", () => {
  const marked = (/** @type {string} */ text) =>
    partsOf(text)
      .filter((part) => part.kind !== "plain")
      .map((part) => [part.kind, part.text]);
  assert.deepEqual(marked("a *b c* d `e *f*` (*g*) *h*, **i** https://j.example/*k*"), [
    ["emphasis", "b c"],
    ["code", "e *f*"],
    ["emphasis", "g"],
    ["emphasis", "h"],
    ["link", "https://j.example/*k*"],
  ]);
  assert.deepEqual(marked("```\nif a:\n  b `c`\n``` and ```d```"), [
    ["block", "if a:\n  b `c`"],
    ["block", "d"],
  ]);
  for (const text of ["2*3*4 = 24", "* a * b", "*a", "`a", "``", "a*b*", "*\n*", "***", "5 * 3 * 2", "`\n`", "__a__"])
    assert.deepEqual(partsOf(text), [{ text, kind: "plain" }]);
  assert.deepEqual(marked("`https://a.example` <b>`x`</b>"), [
    ["code", "https://a.example"],
    ["code", "x"],
  ]);
});

test("one to three emoji alone are few, and nothing else is", () => {
  for (const text of ["🎉", "👍🏽 ❤️", " 👩‍👩‍👧🇫🇷1️⃣\n"]) assert.ok(isEmojiOnly(text), text);
  for (const text of ["", " ", "1", "🎉🎉🎉🎉", "ok 🎉", "#", "©", "🎉."]) assert.ok(!isEmojiOnly(text), text);
});

test("handles of members are mentions, but not in addresses, in code and in other words", () => {
  const members = [
    { uuid: "b", handle: "bob", display_name: "Bob Builder" },
    { uuid: "a", handle: "ann_2", display_name: "Ann" },
  ];
  const texts = ["@bob", "(@BOB), @ann_2!", "me@bob.example @bobby @bob_ @@bob", "é@bob", "@ann_2@bob", "@eve", ""];
  assert.deepEqual(
    texts.map((text) => mentionedIn(text, members)),
    [["b"], ["b", "a"], [], [], ["a"], [], []],
  );
  const shown = (/** @type {string} */ text) =>
    partsOf(text, members)
      .filter((part) => part.kind === "mention")
      .map((part) => [part.text, part.member.uuid]);
  assert.deepEqual(shown("@bob `@bob` https://a.example/@bob @eve, @Ann_2"), [
    ["@bob", "b"],
    ["@Ann_2", "a"],
  ]);
  for (const text of ["@bob", "x @bob, *@ann_2* @eve"])
    assert.equal(
      partsOf(text, members)
        .map((part) => part.text)
        .join(""),
      text.replaceAll("*", ""),
    );
  const offered = (/** @type {string} */ text) =>
    suggestionsAt(text, text.length, members)?.members.map((each) => each.uuid) ?? [];
  assert.deepEqual(["@", "hi @b", "@build", "@bob", "a@b", "@x", "@ann_2 "].map(offered), [
    ["b", "a"],
    ["b"],
    ["b"],
    [],
    [],
    [],
    [],
  ]);
});
