/** Times as people read them, in the language of their browser and the zone of their clock. */

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const longWeekday = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const dayMonth = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const dayMonthYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const longDay = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const longDayYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const coming = new Intl.DateTimeFormat(undefined, {
  weekday: "short",
  day: "numeric",
  month: "short",
  hour: "numeric",
  minute: "2-digit",
});
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "medium" });

const DAY_MS = 86_400_000;

function startOfDay(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate());
}

/** Local days from `date` to `now`; 0 is today. Rounded, since two days of the year are not 24 hours long. */
function daysAgo(date, now) {
  return Math.round((startOfDay(now) - startOfDay(date)) / DAY_MS);
}

const days = new Map();

/** A key of the local day of an ISO time, such as `2026-11-23`. Kept, since each render asks for every message. */
export function dayOf(iso) {
  let day = days.get(iso);
  if (day === undefined) {
    const date = new Date(iso);
    day = `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
    if (days.size > 20_000) days.clear();
    days.set(iso, day);
  }
  return day;
}

/** `14:05` */
export function timeOf(iso) {
  return clock.format(new Date(iso));
}

/** A time to come: that of today, else with its day. */
export function comingTime(iso, now = new Date()) {
  const date = new Date(iso);
  return daysAgo(date, now) === 0 ? clock.format(date) : coming.format(date);
}

/** The full date and time, for titles. */
export function fullTime(iso) {
  return whole.format(new Date(iso));
}

/** For an inbox row: a time today, then a weekday, then a date. */
export function briefTime(iso, now = new Date()) {
  const date = new Date(iso);
  const ago = daysAgo(date, now);
  if (ago <= 0) return clock.format(date);
  if (ago === 1) return "Yesterday";
  if (ago < 7) return weekday.format(date);
  return date.getFullYear() === now.getFullYear() ? dayMonth.format(date) : dayMonthYear.format(date);
}

/** For a day separator. */
export function dayName(iso, now = new Date()) {
  const date = new Date(iso);
  const ago = daysAgo(date, now);
  if (ago === 0) return "Today";
  if (ago === 1) return "Yesterday";
  if (ago > 0 && ago < 7) return longWeekday.format(date);
  return date.getFullYear() === now.getFullYear() ? longDay.format(date) : longDayYear.format(date);
}
