// Presence and notifications without a browser: late lists, muted groups, and words for times.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const page = (/** @type {string} */ name) => import(pathToFileURL(`${process.env.PAGE}/${name}`).href);
const { PeerPresence, replacePresence, presenceOf, isPeerOnline } = await page("lib/presence.js");
const { applyEvent, applyGroups, initialState, Store } = await page("lib/store.js");
const { formatSeen } = await page("lib/time.js");
const { bodyOf, isWorthIt } = await page("lib/notifications.js");

const ME = { uuid: "me", handle: "ann", display_name: "Ann", about: "" };
const presence = (user_uuid, is_online, last_seen_at = null) => ({ user_uuid, is_online, last_seen_at });
const state = (more = {}) => ({ ...initialState(ME), settings: { presence: true }, ...more });
const group = (more = {}) => ({ peer_uuid: "you", handle: "bob", blocked_at: null, ...more });

test("a list that was asked for before an event does not undo the event", () => {
  const told = applyEvent(state(), { type: "presence", ...presence("you", false) }, 0);
  const listed = replacePresence(told, [presence("you", true), presence("they", true)], new Set(["you"]));
  assert.deepEqual([listed.presence.you.is_online, listed.presence.they.is_online], [false, true]);
  assert.deepEqual(Object.keys(replacePresence(listed, [], new Set()).presence), [], "who is not listed is gone");
});

test("a request that was accepted makes the page ask", async () => {
  const asked = [];
  const api = { get: (path) => asked.push(path) && Promise.resolve([presence("you", true)]) };
  const store = new Store(state());
  const peers = new PeerPresence(api, store);
  peers.start();
  const row = (version, folder) => ({ ...group(), uuid: "g", version, folder, last_number: 1, read_number: 0 });
  const put = (...given) => store.update((before) => applyGroups(before, [row(...given)]));
  put(1, "inbox");
  put(2, "requests");
  put(3, "requests");
  assert.deepEqual(asked, []);
  put(4, "inbox");
  put(5, "archive");
  put(6, "inbox");
  assert.deepEqual(asked, ["/api/users/presence"]);
  await Promise.resolve();
  peers.stop();
  assert.equal(isPeerOnline(store.state, group()), true);
});

test("nothing is shown of a user that may not be seen", () => {
  const online = state({ presence: { you: presence("you", true) } });
  assert.equal(isPeerOnline(online, group()), true);
  for (const hidden of [{ blocked_at: "2026-01-01" }, { handle: null }, { peer_uuid: null }, { peer_uuid: "they" }])
    assert.equal(presenceOf(online, group(hidden)), null);
  for (const settings of [null, { presence: false }])
    assert.equal(isPeerOnline({ ...online, settings }, group()), false);
});

test("the time at which a user was seen last is said in words", () => {
  const now = Date.parse("2026-03-11T12:00:00Z"); // 13:00 in Berlin, a Wednesday
  const said = (/** @type {string} */ at) => formatSeen(presence("you", false, at), now);
  assert.equal(formatSeen(presence("you", true), now), "online");
  assert.equal(formatSeen(presence("you", false), now), "");
  assert.equal(said("2026-03-11T11:59:00.000Z"), "last seen just now");
  assert.equal(said("2026-03-11T11:20:00.000Z"), "last seen 40 min ago");
  assert.equal(said("2026-03-11T08:05:00.000Z"), "last seen at 9:05");
  assert.equal(said("2026-03-10T08:05:00.000Z"), "last seen yesterday at 9:05");
  assert.equal(said("2026-03-08T08:05:00.000Z"), "last seen on Sunday");
  assert.equal(said("2026-03-01T08:05:00.000Z"), "last seen on 1 Mar");
});

test("only unread texts of others in groups of the inbox that are not muted are notified of", () => {
  const text = { user_uuid: "you", number: 3, kind: "text", is_hidden: false };
  const unread = { folder: "inbox", read_number: 2, muted_until: null };
  const isShown = (/** @type {object} */ message, /** @type {object} */ more) =>
    isWorthIt({ ...text, ...message }, { ...unread, ...more }, "me", Date.parse("2026-03-11T12:00:00Z"));
  assert.equal(isShown({}, {}), true);
  assert.equal(isShown({}, { muted_until: "2026-03-11T11:00:00Z" }), true, "muted until an hour ago");
  for (const message of [{ user_uuid: "me" }, { number: 2 }, { kind: "system" }, { is_hidden: true }])
    assert.equal(isShown(message, {}), false, JSON.stringify(message));
  for (const more of [{ folder: "requests" }, { folder: "archive" }, { muted_until: "2026-03-11T13:00:00Z" }])
    assert.equal(isShown({}, more), false, JSON.stringify(more));
});

test("a notification of a group of several begins with the sender", () => {
  const message = { message: "x".repeat(200), display_name: "Bob", expires_at: null };
  assert.equal(bodyOf(message, { kind: "direct" }), "x".repeat(140));
  assert.equal(bodyOf(message, { kind: "group" }), `Bob: ${"x".repeat(140)}`);
  assert.equal(bodyOf({ ...message, expires_at: "2026-03-11" }, { kind: "group" }), "Bob: A message that expires");
});
