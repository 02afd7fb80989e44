/** When a case that is put to sleep comes up again: what is offered, by the clock of the user. */

const HOUR_MS = 3_600_000;
const MORNING = 9;

/** That many days from now at nine. */
function morning(now, days) {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, MORNING);
}

/** @returns {{label: string, until: Date}[]} */
export function choices(now = new Date()) {
  const toMonday = (8 - now.getDay()) % 7 || 7;
  return [
    { label: "For 1 hour", until: new Date(now.getTime() + HOUR_MS) },
    { label: "For 3 hours", until: new Date(now.getTime() + 3 * HOUR_MS) },
    { label: "Until tomorrow, 9:00", until: morning(now, 1) },
    { label: "Until Monday, 9:00", until: morning(now, toMonday) },
    { label: "For a week", until: new Date(now.getTime() + 7 * 24 * HOUR_MS) },
  ];
}

/** Whether the user works on this case and it sleeps. Customers are not shown when somebody looks again. */
export function sleeps({ type, membership, business }) {
  return type === "business" && membership?.role !== "customer" && Boolean(business?.snoozed_until);
}
