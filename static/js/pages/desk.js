// The host's desk: the counts of open polls move. When the phase of a poll changes elsewhere the page reloads, unless
// somebody is in the middle of something: typing, asked whether they are sure, or on their way by keyboard.

import { browserEnvironment, reconnectOnWake } from "../net/environment.js";
import { LiveStreams } from "../net/streams.js";
import { ballotCount } from "../poll/tally.js";
import { dataBlock, find, setText } from "../ui/dom.js";
import { formatDuration } from "../ui/duration.js";
import { OfflineNotice } from "../ui/offline.js";
import { Texts } from "../ui/texts.js";
import { localizeTimestamps } from "../ui/timestamps.js";

const page = dataBlock("page");
const texts = new Texts(dataBlock("texts"));
const numbers = new Intl.NumberFormat(page.lang || undefined);
let dirty = false;
document.documentElement.classList.add("scripted");
localizeTimestamps();

/** Running times continue from what the server wrote when it made the page. */
function tick() {
  for (const element of document.querySelectorAll(".took[data-seconds]")) {
    const { seconds } = /** @type {HTMLElement} */ (element).dataset;
    setText(element, formatDuration(1000 * Number(seconds) + performance.now()));
  }
}
window.setInterval(tick, 1000);

const sections = [...document.querySelectorAll("main > section, .makes > section")].map((section) => {
  const element = /** @type {HTMLElement} */ (section);
  return { element, beside: find("h2", element).nextElementSibling };
});
const notice = new OfflineNotice(sections, { texts });

/** @param {LiveStreams} live */
function draw(live) {
  notice.update(live);
  for (const stream of page.streams) {
    const { values, ready } = live.state(stream);
    const item = document.querySelector(`[data-stream="${CSS.escape(stream)}"]`);
    if (!ready || !item) continue;
    const cast = ballotCount(values);
    setText(find(".ballots", item), texts.say("poll.ballots", { n: numbers.format(cast) }, cast));
    if (!values.poll || values.poll.phase !== find(".phase", item).dataset.phase) reload();
  }
}

function reload() {
  const isBusy = dirty || document.querySelector("details[open]") || document.activeElement !== document.body;
  if (!isBusy) location.replace(location.pathname);
}

for (const type of ["input", "submit"]) {
  document.addEventListener(type, () => {
    dirty = true;
  });
}
if (page.streams.length) {
  const live = new LiveStreams({ streams: page.streams, env: browserEnvironment(), onChange: draw });
  live.start();
  window.setInterval(() => notice.update(live), 1000);
  reconnectOnWake(live.connection);
}
