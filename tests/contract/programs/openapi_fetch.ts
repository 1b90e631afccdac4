// A conversation through openapi-fetch with the types of openapi-typescript. Run by tests/contract/test_clients.py.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";
import { assert, equal, given, nextBefore, run } from "./checks";

type Schemas = components["schemas"];
type Code = Schemas["SendMessageProblemCode"];

const signedIn = (token: string) =>
  createClient<paths>({ baseUrl: given.url, headers: { Authorization: `Bearer ${token}` } });
const ann = signedIn(given.token);
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

async function page(): Promise<void> {
  const numbers: number[] = [];
  let before: number | undefined;
  do {
    const query = before === undefined ? { limit: 5 } : { limit: 5, before };
    const { data, response } = await ann.GET("/api/messages/{message_group_uuid}", { params: { ...group, query } });
    numbers.unshift(...(data ?? []).map((message) => message.number));
    before = nextBefore(response);
  } while (before !== undefined);
  equal(numbers, numbers.map((_, place) => place + 1));
  const stretch = await ann.GET("/api/messages/{message_group_uuid}", {
    params: { ...group, query: { after: 3, limit: 2 } },
  });
  equal(stretch.data?.map((message) => message.number), [4, 5]);
}

async function meet(): Promise<void> {
  const me = await ann.GET("/api/users/me");
  const found = await ann.GET("/api/users", { params: { query: { q: given.peer.slice(0, 8) } } });
  assert(found.data?.some((user) => user.handle === given.peer));
  const short = await ann.GET("/api/users/@{handle}/short", { params: { path: { handle: given.peer } } });
  equal(short.data?.handle, given.peer);
  equal((await newcomer.GET("/api/message_groups")).error?.code, "unknown-user");
  const body = { handle: `new_${crypto.randomUUID().slice(0, 8)}`, display_name: "Newcomer" };
  equal((await newcomer.POST("/api/users", { body })).data?.handle, body.handle);
  const taken = await newcomer.POST("/api/users", { body: { ...body, handle: me.data?.handle ?? "" } });
  equal(taken.error?.code, "already-registered");
}

// A branch for each code of the operation, and none for others: a code that comes or goes does not compile.
function kindOf(code: Code): "mine" | "theirs" | "gone" | "later" {
  switch (code) {
    case "unauthenticated": case "unknown-user": case "cannot-message": return "theirs";
    case "group-not-found": case "user-not-found": return "gone";
    case "unavailable": case "overloaded": case "internal-error": case "request-timeout": return "later";
    case "malformed-json": case "body-too-large": case "unsupported-media-type": case "invalid-body":
    case "invalid-parameter": case "message-blank": case "message-too-long": case "message-malformed":
    case "message-to-self": case "one-target": case "reply-beyond-end": case "uuid-taken": return "mine";
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

run(converse, page, meet, err);
