/** Times and days in words, in the browser's time zone. */

const LOCALE = navigator.language.match(/^en(-[A-Z]{2})?$/)?.[0] ?? "en-GB"; // the page speaks English
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const clock = new Intl.DateTimeFormat(LOCALE, { hour: "numeric", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(LOCALE, { weekday: "long" });
const shortWeekday = new Intl.DateTimeFormat(LOCALE, { weekday: "short" });
const dayMonth = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short" });
const longDay = new Intl.DateTimeFormat(LOCALE, { weekday: "long", day: "numeric", month: "long" });
const withYear = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "long", year: "numeric" });
const fullTime = new Intl.DateTimeFormat(LOCALE, { dateStyle: "full", timeStyle: "short" });

/** @param {string} at */
export function formatTime(at) {
  return clock.format(new Date(at));
}

/** @param {string} at */
export function formatFullTime(at) {
  return fullTime.format(new Date(at));
}

/**
 * Return a key of the day of a time, to compare days.
 * @param {string | number} at
 */
export function dayKey(at) {
  return new Date(at).toDateString();
}

/**
 * Return how long ago a time is, short enough for a list.
 * @param {string} at
 * @param {number} now
 */
export function formatAgo(at, now) {
  const then = new Date(at).getTime();
  const elapsed = now - then;
  if (elapsed < MINUTE) return "now";
  if (elapsed < HOUR) return `${Math.floor(elapsed / MINUTE)} min`;
  const days = daysBetween(then, now);
  if (days === 0) return clock.format(then);
  if (days === 1) return "Yesterday";
  if (days < 7) return shortWeekday.format(then);
  return new Date(then).getFullYear() === new Date(now).getFullYear() ? dayMonth.format(then) : withYear.format(then);
}

/**
 * Return whether a user is online, or when the user was seen last; nothing if that is not known.
 * @param {{is_online: boolean, last_seen_at: string | null}} presence
 * @param {number} now
 */
export function formatSeen({ is_online, last_seen_at }, now) {
  if (is_online) return "online";
  if (last_seen_at === null) return "";
  const then = new Date(last_seen_at).getTime();
  if (now - then < 2 * MINUTE) return "last seen just now";
  if (now - then < HOUR) return `last seen ${Math.floor((now - then) / MINUTE)} min ago`;
  const days = daysBetween(then, now);
  if (days === 0) return `last seen at ${clock.format(then)}`;
  if (days === 1) return `last seen yesterday at ${clock.format(then)}`;
  return `last seen on ${days < 7 ? weekday.format(then) : dayMonth.format(then)}`;
}

/**
 * Return the label of a day for its separator.
 * @param {string} at
 * @param {number} now
 */
export function dayLabel(at, now) {
  const then = new Date(at).getTime();
  const days = daysBetween(then, now);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days > 1 && days < 7) return weekday.format(then);
  return new Date(then).getFullYear() === new Date(now).getFullYear() ? longDay.format(then) : withYear.format(then);
}

/**
 * Count the midnights between two times; a day may have 23 or 25 hours.
 * @param {number} then
 * @param {number} now
 */
function daysBetween(then, now) {
  return Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(then).setHours(0, 0, 0, 0)) / DAY);
}
