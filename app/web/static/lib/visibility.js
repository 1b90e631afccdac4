/** Messages without a text for this user: hidden, expired, or older than the installation keeps them. */

/** @typedef {import("../types.js").Message} Message */
/** @typedef {import("../types.js").Quoted} Quoted */
/** @typedef {import("../types.js").State} State */
/** @typedef {import("../types.js").Thread} Thread */

const DAY = 86_400_000;
const BLANK = { message: "", reactions: [], reply: null, mentions: [] };

/**
 * Return whether the text of a message, or of a quoted one, has expired.
 * @param {{expires_at: string | null}} message
 * @param {number} now milliseconds
 */
export function hasExpired({ expires_at }, now) {
  return expires_at !== null && Date.parse(expires_at) <= now;
}

/**
 * Return whether a message is older than the installation keeps messages; those of the service itself never are.
 * @param {{created_at: string, kind?: string}} message
 * @param {number} now milliseconds
 * @param {number | null} days
 */
export function hasEnded({ created_at, kind }, now, days) {
  return days !== null && kind !== "system" && Date.parse(created_at) + days * DAY <= now;
}

/**
 * Return a message as it is once this user has hidden it.
 * @param {Message} message
 * @returns {Message}
 */
export function asHidden(message) {
  return message.is_hidden ? message : { ...message, ...BLANK, is_hidden: true };
}

/**
 * Return the state without the texts of the messages that this user has hidden in a group.
 * @param {State} state
 * @param {string} group
 * @param {number[]} numbers
 * @returns {State}
 */
export function hideMessages(state, group, numbers) {
  const isHidden = (/** @type {{number: number, is_hidden: boolean} | null} */ each) =>
    each !== null && !each.is_hidden && numbers.includes(each.number);
  return mapMessages(
    state,
    (message) => {
      const shown = isHidden(message) ? asHidden(message) : message;
      return shown.reply && isHidden(shown.reply)
        ? { ...shown, reply: { ...shown.reply, message: "", is_hidden: true } }
        : shown;
    },
    group,
  );
}

/**
 * Return the state without the messages up to a number in a group, which this user has cleared.
 * @param {State} state
 * @param {string} group
 * @param {number} number
 * @returns {State}
 */
export function clearMessages(state, group, number) {
  const isCleared = (/** @type {Thread} */ of) => of.group === group && (of.messages[0]?.number ?? Infinity) <= number;
  const apply = (/** @type {Thread} */ of) =>
    isCleared(of) ? { ...of, atStart: true, messages: of.messages.filter((each) => each.number > number) } : of;
  if (![state.thread, ...state.kept].some((each) => each !== null && isCleared(each))) return state;
  return { ...state, thread: state.thread && apply(state.thread), kept: state.kept.map(apply) };
}

/**
 * Return the state without the texts that have expired, or are older than the installation keeps them.
 * @param {State} state
 * @param {number} now milliseconds
 * @param {number | null} days
 * @returns {State}
 */
export function expireMessages(state, now, days = null) {
  const isOver = (/** @type {{message: string, expires_at: string | null} | null} */ each) =>
    each !== null && each.message !== "" && hasExpired(each, now);
  const next = days === null ? state : endPreviews(state, now, days);
  return mapMessages(next, (message) => {
    if (isOver(message)) return { ...message, ...BLANK };
    if (message.message !== "" && hasEnded(message, now, days))
      return { ...message, ...BLANK, expires_at: new Date(now).toISOString() };
    return message.reply && isOver(message.reply) ? { ...message, reply: { ...message.reply, message: "" } } : message;
  });
}

/**
 * Return the state without the previews of messages that are older than the installation keeps them.
 * @param {State} state
 * @param {number} now milliseconds
 * @param {number} days
 * @returns {State}
 */
function endPreviews(state, now, days) {
  const over = Object.values(state.groups).filter((group) => group.message !== "" && hasEnded(group, now, days));
  if (over.length === 0) return state;
  const expires_at = new Date(now).toISOString();
  const blank = over.map((group) => [group.uuid, { ...group, message: "", expires_at, unread_count: 0 }]);
  return { ...state, groups: { ...state.groups, ...Object.fromEntries(blank) } };
}

/**
 * Return the state with other messages in the open conversation and in those that were open before, itself if all are
 * the same.
 * @param {State} state
 * @param {(message: Message) => Message} change
 * @param {string | null} group of this group only
 * @returns {State}
 */
function mapMessages(state, change, group = null) {
  const apply = (/** @type {Thread} */ of) => {
    if (group !== null && of.group !== group) return of;
    const messages = of.messages.map(change);
    return messages.some((each, at) => each !== of.messages[at]) ? { ...of, messages } : of;
  };
  const thread = state.thread && apply(state.thread);
  const kept = state.kept.map(apply);
  const isSame = thread === state.thread && kept.every((each, at) => each === state.kept[at]);
  return isSame ? state : { ...state, thread, kept };
}
