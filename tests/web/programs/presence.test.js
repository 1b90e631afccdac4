// Presence and notifications without a browser: late lists, muted groups, and words for times.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const page = (/** @type {string} */ name) => import(pathToFileURL(`${process.env.PAGE}/${name}`).href);
const { replacePresence, presenceOf, isPeerOnline } = await page("lib/presence.js");
const { applyEvent, initialState } = await page("lib/store.js");
const { formatSeen } = await page("lib/time.js");

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
