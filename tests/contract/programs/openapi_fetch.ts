// A conversation through openapi-fetch with the types of openapi-typescript. Run by tests/contract/test_clients.py.
import createClient from "openapi-fetch";
import { assert, equal, given, nextBefore, run, the } from "./checks";
import type { components, paths } from "./schema";
import { serverSent } from "./sse";

type Schemas = components["schemas"];
type Event = Schemas["EventView"];
type Code = Schemas["SendMessageProblemCode"];

const signedIn = (token: string) =>
  createClient<paths>({ baseUrl: given.url, headers: { Authorization: `Bearer ${token}` } });
const ann = signedIn(given.token);
const bob = signedIn(given.peerToken);
const newcomer = signedIn(given.newcomerToken);
const group = { path: { message_group_uuid: given.group } };

const send = (body: Schemas["MessageCreate"]) => ann.POST("/api/messages", { body });

async function sent(body: Schemas["MessageCreate"]): Promise<Schemas["MessageView"]> {
  const { data, error } = await send(body);
  if (error) throw new Error(`${error.code}: ${error.detail}`);
  return data;
}

async function converse(): Promise<void> {
  const message = { message: "Shall we ship it?", handle: given.peer, uuid: crypto.randomUUID() };
  const first = await sent(message);
  equal([first.message_group_uuid, first.uuid, first.message], [given.group, message.uuid, message.message]);
  equal(await sent(message), first);
  const reply = await sent({ message: "Again", message_group_uuid: given.group, reply_to: first.number });
  equal(reply.reply_to, first.number);
  const read = await ann.PUT("/api/message_groups/{message_group_uuid}/read", {
    params: group,
    body: { number: first.number },
  });
  assert((read.data?.read_number ?? 0) >= first.number);
  assert((await ann.GET("/api/messages/counter")).data?.count !== undefined);
  equal((await ann.GET("/api/message_groups/{message_group_uuid}", { params: group })).data?.state, "active");
  equal((await ann.GET("/api/message_groups", { params: { query: { limit: 5 } } })).data?.[0]?.uuid, given.group);
}

async function change(): Promise<void> {
  const message = await sent({ message: "helo", handle: given.peer });
  const path = { ...group.path, number: message.number };
  const reaction = { params: { path: { ...path, emoji: "👍" } } };
  const reacted = await ann.PUT("/api/messages/{message_group_uuid}/{number}/reactions/{emoji}", reaction);
  equal(reacted.data?.reactions, [{ emoji: "👍", count: 1, me: true }]);
  const members = await ann.GET("/api/messages/{message_group_uuid}/{number}/reactions", { params: { path } });
  equal(members.data?.length, 1);
  const report = { reason: "spam" as const, handle: given.peer, uuid: crypto.randomUUID() };
  equal((await ann.POST("/api/reports", { body: report })).data?.reason, "spam");
  const removed = await ann.DELETE("/api/messages/{message_group_uuid}/{number}/reactions/{emoji}", reaction);
  equal(removed.data?.reactions, []);
  const params = { path, header: { "If-Match": `"${message.version}"` } };
  const body = { message: "hello", uuid: crypto.randomUUID() };
  const edited = await ann.PATCH("/api/messages/{message_group_uuid}/{number}", { params, body });
  equal(edited.data?.version, 2);
  const late = await ann.PATCH("/api/messages/{message_group_uuid}/{number}", { params, body: { message: "other" } });
  equal(late.error?.code, "version-differs");
  const edits = await ann.GET("/api/messages/{message_group_uuid}/{number}/edits", { params: { path } });
  equal(edits.data?.[0]?.message, "helo");
  const reply = await sent({ message: "reply", message_group_uuid: given.group, reply_to: message.number });
  equal(reply.reply?.message, "hello");
  const deleted = await ann.DELETE("/api/messages/{message_group_uuid}/{number}", { params: { path } });
  assert(deleted.data?.deleted_at);
  const stands = await ann.GET("/api/messages/{message_group_uuid}/{number}", { params: { path } });
  equal(stands.data, deleted.data);
  const after = (reacted.data?.change_number ?? 0) - 1;
  const changes = await ann.GET("/api/messages/{message_group_uuid}/changes", {
    params: { ...group, query: { after } },
  });
  equal(
    changes.data?.map((each) => each.type),
    ["react", "unreact", "edit", "delete"],
  );
  await vanish();
}

async function vanish(): Promise<void> {
  const target = { message_group_uuid: given.group };
  const message = await sent({ message: "for an hour", ...target, expires_in: 3600 });
  assert(message.expires_at);
  const path = { ...target, number: message.number };
  const edit = { params: { path, header: { "If-Match": '"1"' } }, body: { message: "x" } };
  equal((await ann.PATCH("/api/messages/{message_group_uuid}/{number}", edit)).error?.code, "message-expires");
  const query = { for: "me" } as const;
  const hidden = await bob.DELETE("/api/messages/{message_group_uuid}/{number}", { params: { path, query } });
  equal([hidden.data?.is_hidden, hidden.data?.message], [true, ""]);
  const view = await bob.GET("/api/message_groups/{message_group_uuid}", { params: group });
  assert(view.data?.hidden.includes(message.number));
  const at = { params: { ...group, query: { at: "first_unread" } } } as const;
  assert((await bob.GET("/api/messages/{message_group_uuid}", at)).data?.length);
}

async function page(): Promise<void> {
  const numbers: number[] = [];
  let before: number | undefined;
  do {
    const query = before === undefined ? { limit: 5 } : { limit: 5, before };
    const { data, response } = await ann.GET("/api/messages/{message_group_uuid}", { params: { ...group, query } });
    numbers.unshift(...(data ?? []).map((message) => message.number));
    before = nextBefore(response);
  } while (before !== undefined);
  equal(
    numbers,
    numbers.map((_, place) => place + 1),
  );
  const stretch = await ann.GET("/api/messages/{message_group_uuid}", {
    params: { ...group, query: { after: 3, limit: 2 } },
  });
  equal(
    stretch.data?.map((message) => message.number),
    [4, 5],
  );
}

async function meet(): Promise<void> {
  const me = await ann.GET("/api/users/me");
  const found = await ann.GET("/api/users", { params: { query: { q: given.peer.slice(0, 8) } } });
  assert(found.data?.some((user) => user.handle === given.peer));
  const short = await ann.GET("/api/users/@{handle}/short", { params: { path: { handle: given.peer } } });
  equal(short.data?.handle, given.peer);
  const about = await ann.PATCH("/api/users/me", { body: { about: "Tea.\nBerlin" } });
  equal([about.data?.about, about.data?.display_name], ["Tea.\nBerlin", me.data?.display_name]);
  equal((await ann.GET("/api/users/@{handle}", { params: { path: { handle: given.peer } } })).data?.about, "");
  equal((await newcomer.GET("/api/message_groups")).error?.code, "unknown-user");
  const body = { handle: `new_${crypto.randomUUID().slice(0, 8)}`, display_name: "Newcomer" };
  equal((await newcomer.POST("/api/users", { body })).data?.handle, body.handle);
  const taken = await newcomer.POST("/api/users", { body: { ...body, handle: me.data?.handle ?? "" } });
  equal(taken.error?.code, "already-registered");
}

async function* events(after?: string): AsyncGenerator<{ event: Event; id?: string }> {
  const header = after === undefined ? {} : { "Last-Event-ID": after };
  const leave = new AbortController();
  const { data, error } = await ann.GET("/api/events", { params: { header }, parseAs: "stream", signal: leave.signal });
  if (error) throw new Error(error.code);
  try {
    if (data) yield* serverSent<Event>(data);
  } finally {
    leave.abort();
  }
}

// One case per known type of event: a new type does not compile until it is handled.
function messageOf(event: Event): Schemas["MessageView"] | undefined {
  switch (event.type) {
    case "message":
      return event.message;
    case "read":
    case "typing":
    case "presence":
      assert(event.user_uuid);
      return undefined;
    case "change":
      assert(event.change.change_number);
      return undefined;
    case "group":
      assert(event.group.version);
      return undefined;
    case "profile":
      assert(event.user.handle);
      return undefined;
    case "resync":
      assert(event.reason);
      return undefined;
    default:
      return event satisfies never;
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
    const message = messageOf(event);
    if (message && message.number > before.number) {
      equal(message, missed);
      const body = { number: missed.number };
      await bob.PUT("/api/message_groups/{message_group_uuid}/read", { params: group, body });
    } else if (event.type === "read" && event.number === missed.number) {
      await bob.POST("/api/message_groups/{message_group_uuid}/typing", { params: group });
    } else if (event.type === "typing") {
      assert(event.is_typing);
      break;
    }
  }
}

async function catchUp(): Promise<void> {
  const { data } = await ann.POST("/api/sync", { body: { groups: {} } });
  const { last_number: last, version } = the(data?.groups.find((row) => row.uuid === given.group));
  const gone = crypto.randomUUID();
  const groups = { [given.group]: { number: last - 2, version }, [gone]: { number: 0, version: 0 } };
  const changes = the((await ann.POST("/api/sync", { body: { groups } })).data);
  equal(
    changes.messages.map((message) => message.number),
    [last - 1, last],
  );
  equal(changes.gone, [gone]);
  const markers = await ann.GET("/api/message_groups/{message_group_uuid}/read", { params: group });
  assert(markers.data?.some((marker) => marker.number === last));
  const typing = "/api/message_groups/{message_group_uuid}/typing";
  equal((await ann.POST(typing, { params: group })).data?.expires_in, 15);
  equal((await ann.DELETE(typing, { params: group })).data?.expires_in, 0);
}

async function receive(): Promise<void> {
  const { number } = await sent({ message: "seen?", handle: given.peer });
  const delivered = "/api/message_groups/{message_group_uuid}/delivered";
  const marker = await bob.PUT(delivered, { params: group, body: { number } });
  equal(marker.data?.delivered_number, number);
  const one = { params: { path: { ...group.path, number } } };
  const receipts = () => ann.GET("/api/messages/{message_group_uuid}/{number}/receipts", one);
  equal(
    (await receipts()).data?.map((each) => [each.handle, each.is_read]),
    [[given.peer, false]],
  );
  const hidden = await ann.PATCH("/api/users/me/settings", { body: { receipts: false } });
  equal((await ann.GET("/api/users/me/settings")).data, hidden.data);
  equal((await receipts()).data, []);
  const restored = await ann.PATCH("/api/users/me/settings", { body: { receipts: true, presence: true } });
  assert(restored.data?.receipts && restored.data.presence && restored.data.is_discoverable);
  equal((await ann.GET("/api/users/presence")).data, []);
  const body = { is_marked_unread: true };
  const marked = await ann.PATCH("/api/message_groups/{message_group_uuid}/view", { params: group, body });
  assert(marked.data?.is_marked_unread);
}

async function decide(): Promise<void> {
  equal((await ann.GET("/api/message_groups", { params: { query: { folder: "requests" } } })).data, []);
  const accepted = await ann.PUT("/api/message_groups/{message_group_uuid}/accept", { params: group });
  equal(accepted.data?.folder, "inbox");
  const declined = await ann.PUT("/api/message_groups/{message_group_uuid}/decline", { params: group });
  equal(declined.data?.folder, "inbox");
}

async function errLive(): Promise<void> {
  const header = { "Last-Event-ID": "1".repeat(513) };
  equal((await ann.GET("/api/events", { params: { header } })).error?.code, "invalid-parameter");
  equal((await signedIn("nonsense").GET("/api/events")).error?.code, "unauthenticated");
  equal((await newcomer.GET("/api/events")).error?.code, "unknown-user");
  const leave = new AbortController();
  const open = () => ann.GET("/api/events", { parseAs: "stream", signal: leave.signal });
  for (let streams = 0; streams < 10; streams++) assert((await open()).response.ok);
  const { error, response } = await open();
  equal([error?.code, error?.status], ["too-many-streams", 429]);
  assert(Number(response.headers.get("retry-after")) > 0);
  leave.abort();
  const groups = { [given.group]: { number: -1, version: 0 } };
  equal((await ann.POST("/api/sync", { body: { groups } })).error?.code, "invalid-body");
  const path = { message_group_uuid: crypto.randomUUID() };
  const nowhere = await ann.POST("/api/message_groups/{message_group_uuid}/typing", { params: { path } });
  equal(nowhere.error?.code, "group-not-found");
}

async function ownData(): Promise<void> {
  const { data, response } = await ann.GET("/api/users/me/export", { parseAs: "text" });
  equal([response.status, response.headers.get("content-type")], [200, "application/jsonl"]);
  const lines: Schemas["ExportLine"][] = String(data)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const end = lines.at(-1);
  assert(end?.type === "end");
  equal(end.messages, lines.filter(({ type }) => type === "message").length);
  const { error } = await ann.DELETE("/api/users/me", { params: { query: { handle: given.peer } } });
  equal([error?.status, error?.code], [422, "handle-differs"]);
}

async function several(): Promise<void> {
  const body = { title: "Launch", handles: [given.peer], uuid: crypto.randomUUID() };
  const created = await ann.POST("/api/message_groups", { body });
  assert(created.data);
  equal((await ann.POST("/api/message_groups", { body })).data?.uuid, created.data.uuid);
  equal([created.data.kind, created.data.role, created.data.member_count], ["group", "owner", 2]);
  const path = { message_group_uuid: created.data.uuid };
  const members = await ann.GET("/api/message_groups/{message_group_uuid}/members", { params: { path } });
  const other = members.data?.find((member) => member.handle === given.peer);
  assert(other);
  const one = { params: { path: { ...path, user_uuid: other.user_uuid } } };
  const promoted = await ann.PATCH("/api/message_groups/{message_group_uuid}/members/{user_uuid}", {
    ...one,
    body: { role: "admin" },
  });
  equal(promoted.data?.role, "owner");
  const renamed = await ann.PATCH("/api/message_groups/{message_group_uuid}", {
    params: { path },
    body: { title: "Landing" },
  });
  equal(renamed.data?.display_name, "Landing");
  await ann.DELETE("/api/message_groups/{message_group_uuid}/members/{user_uuid}", one);
  const added = await ann.POST("/api/message_groups/{message_group_uuid}/members", {
    params: { path },
    body: { handles: [given.peer] },
  });
  equal(added.data?.member_count, 2);
  const history = await ann.GET("/api/messages/{message_group_uuid}", { params: { path } });
  const told = history.data?.map((message) => message.event?.type);
  equal(told, ["created", "role", "renamed", "removed", "added"]);
  const left = await ann.DELETE("/api/message_groups/{message_group_uuid}", { params: { path } });
  equal(left.data?.state, "left");
  const gone = await ann.GET("/api/message_groups/{message_group_uuid}/members", { params: { path } });
  equal(gone.error?.code, "group-not-found");
}

// One case per code of the operation: a code that is added or removed does not compile.
function kindOf(code: Code): "mine" | "theirs" | "gone" | "later" {
  switch (code) {
    case "unauthenticated":
    case "unknown-user":
    case "account-disabled":
    case "account-erased":
    case "cannot-message":
      return "theirs";
    case "group-not-found":
    case "user-not-found":
      return "gone";
    case "unavailable":
    case "overloaded":
    case "internal-error":
    case "request-timeout":
    case "too-many-requests":
      return "later";
    case "malformed-json":
    case "body-too-large":
    case "unsupported-media-type":
    case "invalid-body":
    case "invalid-parameter":
    case "message-blank":
    case "message-too-long":
    case "message-malformed":
    case "message-to-self":
    case "one-target":
    case "reply-beyond-end":
    case "mention-not-member":
    case "uuid-taken":
    case "after-too-old":
      return "mine";
  }
}

async function err(): Promise<void> {
  const uuid = crypto.randomUUID();
  await sent({ message: "one", handle: given.peer, uuid });
  const cases: [number, Code, Schemas["MessageCreate"]][] = [
    [400, "malformed-json", { message: "\ud800", handle: given.peer }],
    [404, "user-not-found", { message: "x", handle: "nobody_at_all" }],
    [404, "group-not-found", { message: "x", message_group_uuid: crypto.randomUUID() }],
    [409, "uuid-taken", { message: "other", handle: given.peer, uuid }],
    [413, "body-too-large", { message: "x".repeat(20_000), handle: given.peer }],
    [422, "one-target", { message: "x" }],
    [422, "message-blank", { message: " ", handle: given.peer }],
  ];
  for (const [status, code, body] of cases) {
    const { error } = await send(body);
    equal([error?.status, error?.code], [status, code]);
    assert(error && kindOf(error.code) !== "later");
  }
  const plain = await ann.POST("/api/messages", { body: { message: "x" }, headers: { "Content-Type": "text/plain" } });
  equal(plain.error?.code, "unsupported-media-type");
  const unsigned = await signedIn("nonsense").GET("/api/messages/{message_group_uuid}", { params: group });
  equal([unsigned.error?.status, unsigned.error?.code], [401, "unauthenticated"]);
  const beyond = await ann.PUT("/api/message_groups/{message_group_uuid}/read", {
    params: group,
    body: { number: 999 },
  });
  equal(beyond.error?.code, "number-beyond-end");
  equal(beyond.error?.errors?.[0]?.pointer, "/number");
}

run(converse, several, change, page, listen, catchUp, receive, decide, errLive, meet, ownData, err);
