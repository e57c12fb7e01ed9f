// Moments as they are read: in one form, in the reader's zone, with its name; and in UTC in a title. Pages made by the
// server say the same in UTC (handlers/pages/view_models/looks.py), so that only the zone changes when a script is there.

const two = (number) => String(number).padStart(2, "0");

/** The name of the reader's zone at a moment: "GMT+1", "UTC". */
export function zoneAt(date) {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" }).formatToParts(date);
  return (parts.find(({ type }) => type === "timeZoneName") || { value: "" }).value;
}

/** "11:05:09" or, with `milliseconds`, "11:05:09.204". */
function timeOf(date, { seconds = true, milliseconds = false } = {}) {
  const time = [date.getHours(), date.getMinutes(), ...(seconds || milliseconds ? [date.getSeconds()] : [])].map(two).join(":");
  return milliseconds ? `${time}.${String(date.getMilliseconds()).padStart(3, "0")}` : time;
}

/** "2026-11-29 11:05:09 GMT+1"; empty for what is no moment. */
export function moment(at, options) {
  const date = new Date(at || "");
  if (Number.isNaN(date.getTime())) return "";
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `${day} ${timeOf(date, options)} ${zoneAt(date)}`;
}

/** "11:05 GMT+1" of today, with the date of any other day. */
export function shortMoment(at, now) {
  const date = new Date(at || "");
  if (Number.isNaN(date.getTime())) return "";
  const today = date.toDateString() === new Date(now).toDateString();
  return today ? `${timeOf(date, { seconds: false })} ${zoneAt(date)}` : moment(at, { seconds: false });
}

/** "11:05:09.204", for the lines of a log, beside which the zone is named once. */
export function lineTime(at) {
  const date = new Date(at || "");
  return Number.isNaN(date.getTime()) ? "" : timeOf(date, { milliseconds: true });
}

/** "2026-11-29 10:05:09 UTC". */
export function inUtc(at) {
  const date = new Date(at || "");
  return Number.isNaN(date.getTime()) ? "" : `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** Puts the moments that the server wrote in UTC into the reader's zone. */
export function localise(root = document) {
  for (const element of root.querySelectorAll("time[datetime]")) {
    const at = element.getAttribute("datetime");
    const words = moment(at, { seconds: element.dataset.exact !== undefined });
    if (words) element.textContent = words;
    element.title = inUtc(at);
  }
}
