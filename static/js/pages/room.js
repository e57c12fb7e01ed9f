// A room's own page.

import { browserEnvironment, reconnectOnWake } from "../net/environment.js";
import { LiveStreams } from "../net/streams.js";
import { INBOX, InboxLink } from "../room/inbox_link.js";
import { RoomView } from "../room/view.js";
import { Announcer } from "../ui/announcer.js";
import { Corner } from "../ui/corner.js";
import { dataBlock, find, setText } from "../ui/dom.js";
import { fitAboveKeyboard } from "../ui/keyboard.js";
import { Texts } from "../ui/texts.js";

const page = dataBlock("page");
const texts = new Texts(dataBlock("texts"));
const env = browserEnvironment();
const numbers = new Intl.NumberFormat(page.lang || undefined);
const number = (/** @type {number} */ value) => numbers.format(value);
const corner = new Corner(find("#corner"), { texts });

const inboxLink = new InboxLink(document.querySelector("#inbox"), { texts, number });
/** @type {RoomView | null} */
let view = null;
const live = new LiveStreams({
  // Whoever the server does not know has no private messages, and some transports refuse all streams because of one.
  streams: page.me && (page.signedIn || env.keepsCookies()) ? [page.stream, INBOX] : [page.stream],
  env,
  onChange: () => {
    corner.update(live);
    inboxLink.update(live.state(INBOX));
    if (view) view.changed();
  },
});
view = new RoomView({
  data: page, texts, number, env, live,
  announcer: new Announcer(find("#announcer"), env),
  onRoom: (room) => {
    setText(find("#title"), room.title);
    find("#shut").hidden = !room.closed;
  },
  onUnseen: (count) => {
    const { title } = view ? view.room : page.room;
    document.title = count ? `(${number(count)}) ${title}` : title;
  },
});

document.documentElement.classList.add("scripted");
fitAboveKeyboard();
live.start();
reconnectOnWake(live.connection);
window.setInterval(() => {
  corner.update(live);
  if (view) view.tick();
}, 1000);
