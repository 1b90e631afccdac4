// A conversation through the client that @hey-api/openapi-ts generates. Run by tests/contract/test_clients.py.

import { assert, equal, given, nextBefore, run, the } from "./checks";
import type { EventView, MessageCreate, MessageView, SendMessageProblemCode } from "./client";
import {
  acceptRequest,
  addReaction,
  countUnreadGroups,
  createReport,
  declineRequest,
  deleteMessage,
  editMessage,
  getCurrentUser,
  getMessage,
  getMessageGroup,
  getSettings,
  getUser,
  getUserShort,
  listChanges,
  listEdits,
  listMessageGroups,
  listMessages,
  listPresence,
  listReactions,
  listReadMarkers,
  listReceipts,
  markDelivered,
  markRead,
  registerUser,
  removeReaction,
  searchUsers,
  sendMessage,
  startTyping,
  stopTyping,
  streamEvents,
  syncChanges,
  updateCurrentUser,
  updateMessageGroupView,
  updateSettings,
} from "./client";
import { createClient } from "./client/client";

const signedIn = (token: string) => createClient({ baseUrl: given.url, auth: token });
const client = signedIn(given.token);
const bob = signedIn(given.peerToken);
const newcomer = signedIn(given.newcomerToken);
const path = { message_group_uuid: given.group };

async function sent(body: MessageCreate): Promise<MessageView> {
  const { data } = await sendMessage({ client, body, throwOnError: true });
  return data;
}

async function converse(): Promise<void> {
  const message = { message: "Shall we ship it?", handle: given.peer, uuid: crypto.randomUUID() };
  const first = await sent(message);
  equal([first.message_group_uuid, first.uuid, first.message], [given.group, message.uuid, message.message]);
  equal(await sent(message), first);
  const reply = await sent({ message: "Again", message_group_uuid: given.group, reply_to: first.number });
  equal(reply.reply_to, first.number);
  const read = await markRead({ client, path, body: { number: first.number }, throwOnError: true });
  assert(read.data.read_number >= first.number);
  assert((await countUnreadGroups({ client, throwOnError: true })).data.count >= 0);
  equal((await getMessageGroup({ client, path, throwOnError: true })).data.state, "active");
  equal((await listMessageGroups({ client, query: { limit: 5 } })).data?.[0]?.uuid, given.group);
}

async function change(): Promise<void> {
  const message = await sent({ message: "helo", handle: given.peer });
  const one = { ...path, number: message.number };
  const reaction = { ...one, emoji: "👍" };
  const reacted = await addReaction({ client, path: reaction, throwOnError: true });
  equal(reacted.data.reactions, [{ emoji: "👍", count: 1, me: true }]);
  equal((await listReactions({ client, path: one, throwOnError: true })).data.length, 1);
  const report = { reason: "spam" as const, handle: given.peer, uuid: crypto.randomUUID() };
  equal((await createReport({ client, body: report, throwOnError: true })).data.reason, "spam");
  equal((await removeReaction({ client, path: reaction, throwOnError: true })).data.reactions, []);
  const headers = { "If-Match": `"${message.version}"` };
  const body = { message: "hello", uuid: crypto.randomUUID() };
  equal((await editMessage({ client, path: one, headers, body, throwOnError: true })).data.version, 2);
  const late = await editMessage({ client, path: one, headers, body: { message: "other" } });
  equal(late.error?.code, "version-differs");
  equal((await listEdits({ client, path: one, throwOnError: true })).data[0]?.message, "helo");
  const reply = await sent({ message: "reply", message_group_uuid: given.group, reply_to: message.number });
  equal(reply.reply?.message, "hello");
  const deleted = await deleteMessage({ client, path: one, throwOnError: true });
  assert(deleted.data.deleted_at);
  equal((await getMessage({ client, path: one, throwOnError: true })).data, deleted.data);
  const query = { after: reacted.data.change_number - 1 };
  const changes = await listChanges({ client, path, query, throwOnError: true });
  equal(
    changes.data.map((each) => each.type),
    ["react", "unreact", "edit", "delete"],
  );
}

async function page(): Promise<void> {
  const numbers: number[] = [];
  let before: number | undefined;
  do {
    const query = before === undefined ? { limit: 5 } : { limit: 5, before };
    const { data, response } = await listMessages({ client, path, query, throwOnError: true });
    numbers.unshift(...data.map((message) => message.number));
    before = nextBefore(response);
  } while (before !== undefined);
  equal(
    numbers,
    numbers.map((_, place) => place + 1),
  );
  const stretch = await listMessages({ client, path, query: { after: 3, limit: 2 }, throwOnError: true });
  equal(
    stretch.data.map((message) => message.number),
    [4, 5],
  );
}

async function meet(): Promise<void> {
  const me = await getCurrentUser({ client, throwOnError: true });
  const found = await searchUsers({ client, query: { q: given.peer.slice(0, 8) }, throwOnError: true });
  assert(found.data.some((user) => user.handle === given.peer));
  equal((await getUserShort({ client, path: { handle: given.peer } })).data?.handle, given.peer);
  const about = await updateCurrentUser({ client, body: { about: "Tea.\nBerlin" }, throwOnError: true });
  equal([about.data.about, about.data.display_name], ["Tea.\nBerlin", me.data.display_name]);
  equal((await getUser({ client, path: { handle: given.peer } })).data?.about, "");
  equal((await listMessageGroups({ client: newcomer })).error?.code, "unknown-user");
  const body = { handle: `new_${crypto.randomUUID().slice(0, 8)}`, display_name: "Newcomer" };
  equal((await registerUser({ client: newcomer, body, throwOnError: true })).data.handle, body.handle);
  const taken = await registerUser({ client: newcomer, body: { ...body, handle: me.data.handle } });
  equal(taken.error?.code, "already-registered");
}

async function* events(after?: string): AsyncGenerator<{ event: EventView; id?: string }> {
  const leave = new AbortController();
  let id: string | undefined;
  const { stream } = await streamEvents({
    client,
    signal: leave.signal,
    ...(after !== undefined && { headers: { "Last-Event-ID": after } }),
    onSseEvent: (event) => (id = event.id),
  });
  try {
    for await (const event of stream) yield { event, ...(id !== undefined && { id }) };
  } finally {
    leave.abort();
  }
}

async function listen(): Promise<void> {
  const stream = events();
  const first = the((await stream.next()).value).event;
  assert(first.type === "resync");
  equal(first.reason, "new");
  const before = await sent({ message: "1", handle: given.peer });
  const { event: live, id } = the((await stream.next()).value);
  assert(live.type === "message");
  equal([live.message, live.group.last_number], [before, before.number]);
  await stream.return(undefined);
  const missed = await sent({ message: "2", handle: given.peer });
  for await (const { event } of events(id)) {
    assert(event.type !== "resync");
    if (event.type === "message" && event.message.number > before.number) {
      equal(event.message, missed);
      await markRead({ client: bob, path, body: { number: missed.number }, throwOnError: true });
    } else if (event.type === "read" && event.number === missed.number) {
      await startTyping({ client: bob, path, throwOnError: true });
    } else if (event.type === "typing") {
      assert(event.is_typing);
      break;
    }
  }
}

async function catchUp(): Promise<void> {
  const { data } = await syncChanges({ client, body: { groups: {} }, throwOnError: true });
  const { last_number: last, version } = the(data.groups.find((row) => row.uuid === given.group));
  const gone = crypto.randomUUID();
  const groups = { [given.group]: { number: last - 2, version }, [gone]: { number: 0, version: 0 } };
  const changes = await syncChanges({ client, body: { groups }, throwOnError: true });
  equal(
    changes.data.messages.map((message) => message.number),
    [last - 1, last],
  );
  equal(changes.data.gone, [gone]);
  const markers = await listReadMarkers({ client, path, throwOnError: true });
  assert(markers.data.some((marker) => marker.number === last));
  equal((await startTyping({ client, path })).data?.expires_in, 15);
  equal((await stopTyping({ client, path })).data?.expires_in, 0);
}

async function receive(): Promise<void> {
  const { number } = await sent({ message: "seen?", handle: given.peer });
  const marker = await markDelivered({ client: bob, path, body: { number }, throwOnError: true });
  equal(marker.data.delivered_number, number);
  const receipts = () => listReceipts({ client, path: { ...path, number }, throwOnError: true });
  equal(
    (await receipts()).data.map((each) => [each.handle, each.is_read]),
    [[given.peer, false]],
  );
  const hidden = await updateSettings({ client, body: { receipts: false }, throwOnError: true });
  equal((await getSettings({ client, throwOnError: true })).data, hidden.data);
  equal((await receipts()).data, []);
  const restored = await updateSettings({ client, body: { receipts: true, presence: true }, throwOnError: true });
  assert(restored.data.receipts && restored.data.presence && restored.data.is_discoverable);
  equal((await listPresence({ client, throwOnError: true })).data, []);
  const marked = await updateMessageGroupView({ client, path, body: { is_marked_unread: true }, throwOnError: true });
  assert(marked.data.is_marked_unread);
}

async function decide(): Promise<void> {
  equal((await listMessageGroups({ client, query: { folder: "requests" }, throwOnError: true })).data, []);
  equal((await acceptRequest({ client, path, throwOnError: true })).data.folder, "inbox");
  equal((await declineRequest({ client, path, throwOnError: true })).data.folder, "inbox");
}

// The error of a refused stream contains its status and no problem document.
async function refusal(caller: typeof client, headers: { "Last-Event-ID"?: string } = {}): Promise<string> {
  let refused: unknown;
  const onSseError = (error: unknown) => (refused = error);
  const { stream } = await streamEvents({ client: caller, headers, sseMaxRetryAttempts: 1, onSseError });
  for await (const event of stream) return event.type;
  return String(refused);
}

async function errLive(): Promise<void> {
  assert((await refusal(signedIn("nonsense"))).includes("401"));
  assert((await refusal(newcomer)).includes("403"));
  assert((await refusal(client, { "Last-Event-ID": "1".repeat(513) })).includes("422"));
  const open = Array.from({ length: 10 }, () => events());
  for (const stream of open) equal((await stream.next()).value?.event.type, "resync");
  assert((await refusal(client)).includes("429"));
  await Promise.all(open.map((stream) => stream.return(undefined)));
  const groups = { [given.group]: { number: -1, version: 0 } };
  equal((await syncChanges({ client, body: { groups } })).error?.code, "invalid-body");
  const nowhere = { message_group_uuid: crypto.randomUUID() };
  equal((await startTyping({ client, path: nowhere })).error?.code, "group-not-found");
}

async function err(): Promise<void> {
  const uuid = crypto.randomUUID();
  await sent({ message: "one", handle: given.peer, uuid });
  const cases: [number, SendMessageProblemCode, MessageCreate][] = [
    [400, "malformed-json", { message: "\ud800", handle: given.peer }],
    [404, "user-not-found", { message: "x", handle: "nobody_at_all" }],
    [404, "group-not-found", { message: "x", message_group_uuid: crypto.randomUUID() }],
    [409, "uuid-taken", { message: "other", handle: given.peer, uuid }],
    [413, "body-too-large", { message: "x".repeat(20_000), handle: given.peer }],
    [422, "one-target", { message: "x" }],
    [422, "message-blank", { message: " ", handle: given.peer }],
  ];
  for (const [status, code, body] of cases) {
    const { error } = await sendMessage({ client, body });
    equal([error?.status, error?.code], [status, code]);
  }
  const plain = await sendMessage({ client, body: { message: "x" }, headers: { "Content-Type": "text/plain" } });
  equal(plain.error?.code, "unsupported-media-type");
  const unsigned = await listMessages({ client: signedIn("nonsense"), path });
  equal([unsigned.error?.status, unsigned.error?.code], [401, "unauthenticated"]);
  const beyond = await markRead({ client, path, body: { number: 999 } });
  equal([beyond.error?.code, beyond.error?.errors?.[0]?.pointer], ["number-beyond-end", "/number"]);
}

run(converse, change, page, listen, catchUp, receive, decide, errLive, meet, err);
