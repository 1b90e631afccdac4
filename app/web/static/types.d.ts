/** The page's own shapes, and the contract's under short names. `contract` is made from the OpenAPI document. */
import type { components } from "contract";

type Schemas = components["schemas"];

export type Config = Schemas["ConfigView"];
export type CognitoSignIn = Schemas["CognitoSignIn"];
export type Group = Schemas["MessageGroupView"];
export type Message = Schemas["MessageView"];
export type MessageCreate = Schemas["MessageCreate"];
export type Me = Schemas["UserView"];
export type Person = Schemas["UserShortView"];

export type ReadMarker = Schemas["ReadMarkerView"];
export type Sync = Schemas["SyncView"];
export type LiveEvent = Schemas[
  | "MessageEvent"
  | "ReadEvent"
  | "GroupEvent"
  | "ProfileEvent"
  | "TypingEvent"
  | "ResyncEvent"];

/** How the page is connected. */
export type Line = "connecting" | "live" | "reconnecting" | "offline";

/** What was written here and is not known to be on the server yet. `after` is set when it is first tried. */
export type Pending = {
  uuid: string;
  group: string | null;
  handle: string | null;
  text: string;
  reply_to: number | null;
  after: number | null;
  created_at: string;
  /** Why the server refused it; null while it may still go out. */
  refusal: string | null;
};

/** Where the feed is to scroll. A new object means: go there. */
export type Focus =
  | { at: "end" }
  | { at: "unread" }
  | { at: "message"; number: number }
  | { at: "place"; number: number; offset: number };

/** The open conversation: a window of its log without holes, oldest first. */
export type Thread = {
  group: string;
  messages: Message[];
  isLoading: boolean;
  failure: string | null;
  isBusy: boolean;
  atStart: boolean;
  /** Whether the reader is at the end, so that old messages may leave the window at its other side. */
  isFollowing: boolean;
  /** The first message that was unread on opening, for the line above it. */
  unreadFrom: number | null;
  focus: Focus;
  quotes: Record<number, Message>;
};

export type State = {
  me: Me;
  line: Line;
  groups: Record<string, Group>;
  hasInbox: boolean;
  /** The address of the inbox's next page; null: all of it is here. */
  more: string | null;
  inboxFailure: string | null;
  thread: Thread | null;
  pending: Pending[];
  /** By group and user: up to which number they have read. */
  readers: Record<string, Record<string, number>>;
  /** By group and user: until when they count as typing, in milliseconds. */
  typing: Record<string, Record<string, number>>;
};

export type Tokens = { access_token: string; expires_in: number; refresh_token?: string };
