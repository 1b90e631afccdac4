/** Types of the page, and short names for those of `contract`, which is generated from the OpenAPI document. */
import type { components } from "contract";

type Schemas = components["schemas"];

export type Config = Schemas["ConfigView"];
export type CognitoSignIn = Schemas["CognitoSignIn"];
export type Group = Schemas["MessageGroupView"];
export type Folder = Group["folder"];
export type ViewUpdate = Schemas["ViewUpdate"];
export type Message = Schemas["MessageView"];
export type Change = Schemas["ChangeView"];
export type Edit = Schemas["EditView"];
export type ReactingUser = Schemas["ReactingUserView"];
/** A message that is quoted, as another one or a message of the feed shows it. */
export type Quoted = Pick<
  Schemas["QuoteView"],
  "number" | "display_name" | "message" | "deleted_at" | "expires_at" | "is_hidden"
>;
export type MessageCreate = Schemas["MessageCreate"];
export type Block = Schemas["BlockView"];
export type Me = Schemas["UserView"];
export type Person = Schemas["UserShortView"];
export type GroupMember = Schemas["MemberView"];
export type GroupCreate = Schemas["MessageGroupCreate"];
export type GroupUpdate = Schemas["MessageGroupUpdate"];
export type Role = GroupMember["role"];
export type Profile = Schemas["ProfileView"];
export type Presence = Schemas["PresenceView"];

export type ReadMarker = Schemas["ReadMarkerView"];
export type MessageReceipt = Schemas["ReceiptView"];
export type Settings = Schemas["SettingsView"];
export type Sync = Schemas["SyncView"];
export type LiveEvent = Schemas[
  | "MessageEvent"
  | "ChangeEvent"
  | "ReadEvent"
  | "GroupEvent"
  | "ProfileEvent"
  | "TypingEvent"
  | "PresenceEvent"
  | "ResyncEvent"];

/** The state of the event stream. */
export type Connection = "connecting" | "live" | "reconnecting" | "offline";

/** A message that the server has not confirmed yet. `after` is set before the first attempt to send it. */
export type Pending = {
  uuid: string;
  group: string | null;
  handle: string | null;
  text: string;
  /** The members that it mentions. */
  mentions?: string[];
  reply_to: number | null;
  reply: Quoted | null;
  /** Seconds after which its text expires; absent in an outbox of before. */
  expires_in?: number | null;
  after: number | null;
  created_at: string;
  /** Why the server refused it; null while it may still be sent. */
  refusal: string | null;
};

/** An edit, a deletion for all or for this user, or a reaction that the server has not confirmed yet. */
export type PendingChange = {
  uuid: string;
  group: string;
  number: number;
  type: "edit" | "delete" | "hide" | "react" | "unreact";
  /** The new text, and the version of the message that is edited. */
  text: string | null;
  version: number | null;
  emoji: string | null;
  /** The members that an edit mentions. */
  mentions?: string[] | null;
  created_at: string;
  /** Why the server refused it; null while it may still be sent. */
  refusal: string | null;
};

/** A point of the window, in pixels. */
export type Point = { x: number; y: number };

/** A message, and the distance in pixels from the top of the view to its bubble. */
export type ScrollPosition = { number: number; offset: number };

/** Where the feed scrolls to. A new object makes it scroll, even to the same target. */
export type ScrollTarget =
  | { at: "end" }
  | { at: "unread" }
  | { at: "message"; number: number }
  | ({ at: "position" } & ScrollPosition);

/** The open conversation: a window of its messages without gaps, oldest first. */
export type Thread = {
  group: string;
  messages: Message[];
  isLoading: boolean;
  failure: string | null;
  isBusy: boolean;
  atStart: boolean;
  /** Whether the reader is at the end, so that new messages may push old ones out of the window. */
  isFollowing: boolean;
  /** The first message that was unread on opening; the unread line stands above it. */
  unreadFrom: number | null;
  scrollTarget: ScrollTarget;
  /** The number of the last change that the messages have. */
  changeNumber: number;
  /** The changes that came since it was opened, the last ones. */
  changes: Change[];
  /** Whether the service knows no such group of this user. */
  isGone?: boolean;
};

export type State = {
  me: Me;
  connection: Connection;
  groups: Record<string, Group>;
  hasInbox: boolean;
  /** The address of each folder's next page; null after the last one, undefined before the first one. */
  nextPages: Record<Folder, string | null | undefined>;
  /** The folder that is shown. */
  folder: Folder;
  inboxFailure: string | null;
  thread: Thread | null;
  /** Conversations that were open before, the last ones, as they were on the screen. */
  kept: Thread[];
  pending: Pending[];
  pendingChanges: PendingChange[];
  /** The unsent text of each conversation that is not open, by the handle of the other user or the group. */
  drafts: Record<string, string>;
  /** The last numbers read and delivered, by group and user. */
  markers: Record<string, Record<string, { read: number; delivered: number }>>;
  /** The user's settings; null until they are loaded. */
  settings: Settings | null;
  /** The time in milliseconds at which typing expires, by group and user. */
  typing: Record<string, Record<string, number>>;
  /** The members of groups of several that were opened, those with rights first. */
  members: Record<string, GroupMember[]>;
  /** The names of members and senders, by their ids. */
  names: Record<string, string>;
  /** The presence of other users that share it, by user. */
  presence: Record<string, Presence>;
  /** Whether the user is notified on this device: `denied` by the browser, `undecided` as long as that was not asked. */
  notifications: "unsupported" | "denied" | "undecided" | "on" | "off";
  /** Whether the page offers notifications. */
  offersNotifications: boolean;
};

export type Tokens = { access_token: string; expires_in: number; refresh_token?: string };
