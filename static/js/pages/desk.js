// The host's desk: the counts of open polls move. When a poll's phase changes elsewhere the page is made anew,
// unless somebody is in the middle of something: typing, asked whether they are sure, or on their way by keyboard.

import { clockFace } from "../net/clock.js";
import { dataBlock, setText } from "../ui/dom.js";
import { browser, wakeOn } from "../net/environment.js";
import { Live } from "../net/streams.js";
import { localise } from "../ui/timestamps.js";
import { ballots } from "../poll/tally.js";
import { Away } from "../ui/offline.js";
import { Texts } from "../ui/texts.js";

const page = dataBlock("page");
const texts = new Texts(dataBlock("texts"));
const numbers = new Intl.NumberFormat(page.lang || undefined);
let dirty = false;
document.documentElement.classList.add("scripted");
localise();

/** What runs goes on from what the server said when it made the page. */
function tick() {
  for (const took of document.querySelectorAll(".took[data-seconds]")) {
    setText(took, clockFace(1000 * Number(took.dataset.seconds) + performance.now()));
  }
}
window.setInterval(tick, 1000);

const away = new Away([...document.querySelectorAll("main > section, .makes > section")].map((element) => ({ element, beside: element.querySelector("h2").nextElementSibling })), { texts });

function draw(live) {
  away.update(live);
  for (const stream of page.streams) {
    const { values, ready } = live.state(stream);
    const item = document.querySelector(`[data-stream="${CSS.escape(stream)}"]`);
    if (!ready || !item) continue;
    const cast = ballots(values);
    setText(item.querySelector(".ballots"), texts.say("poll.ballots", { n: numbers.format(cast) }, cast));
    if (!values.poll || values.poll.phase !== item.querySelector(".phase").dataset.phase) renew();
  }
}

function renew() {
  const busy = dirty || document.querySelector("details[open]") || document.activeElement !== document.body;
  if (!busy) location.replace(location.pathname);
}

for (const event of ["input", "submit"]) {
  document.addEventListener(event, () => {
    dirty = true;
  });
}
if (page.streams.length) {
  const live = new Live({ streams: page.streams, env: browser(), changed: draw });
  live.start();
  window.setInterval(() => away.update(live), 1000);
  wakeOn(live.connection);
}
