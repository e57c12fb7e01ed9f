// What every live page does at its start: read its data, connect, follow the wall's active item, tick once a second.

import { dataBlock } from "../ui/dom.js";
import { browser, wakeOn } from "../net/environment.js";
import { Live } from "../net/streams.js";
import { localise } from "../ui/timestamps.js";
import { holdFor, veiled } from "../poll/reveal.js";
import { scene, wanted } from "./scene.js";
import { Texts } from "../ui/texts.js";

const LEAVING = 800;
const SETTLED = 5_000; // a page that would be refused again does not come back sooner than this

/** `draw(context)` is called on every change and `tick(context)` every second; context has live, scene, texts, page. */
export function start({ audience = false, draw, tick }) {
  const page = dataBlock("page");
  const env = browser();
  const context = { page, env, texts: new Texts(dataBlock("texts")), live: null, scene: { kind: "waiting" }, order: [] };
  const stateOf = (stream) => context.live.state(stream);
  const numbers = new Intl.NumberFormat(page.lang || undefined);
  context.number = (value) => numbers.format(value);
  context.redraw = () => {
    const streams = allowed(context, wanted(page, stateOf));
    if (streams.join() !== context.live.streams.join()) {
      learnOrder(context, streams[streams.length - 1]);
      context.live.follow(streams);
    }
    const next = context.live.refusal
      ? { kind: "gone", code: context.live.refusal }
      : scene(page, stateOf, context.order);
    if (mayReplace(context, next)) context.scene = together(context, next);
    draw(context);
    entitle(context, audience);
    renewWhenSignedOut(context);
  };
  context.live = new Live({ streams: [page.wallStream || page.stream], audience, env, changed: () => context.redraw() });
  context.order = page.steps || [];
  document.documentElement.classList.add("scripted");
  localise();
  context.live.start();
  wakeOn(context.live.connection);
  tick(context);
  window.setInterval(() => tick(context), 1000);
  return context;
}

/** What is on its way keeps the last picture on the wall; so does, for a moment, an item the wall may just be leaving. */
function mayReplace(context, next) {
  const shown = context.scene.kind;
  if (next.kind === "waiting") return shown === "waiting";
  if (next.kind !== "gone" || !next.wall || shown === "gone") {
    context.env.clearTimeout(context.leaving);
    context.leaving = null;
    return true;
  }
  if (context.leaving === "over") return true;
  if (!context.leaving) {
    context.leaving = context.env.setTimeout(() => {
      context.leaving = "over";
      context.redraw();
    }, LEAVING);
  }
  return false;
}

/** A result is shown when its moment has come; a page that comes later than that does not wait. */
function together(context, next) {
  context.env.clearTimeout(context.curtain);
  const wait = holdFor(next, context.scene, context.live.clock.now());
  if (!wait) return next;
  context.curtain = context.env.setTimeout(context.redraw, wait);
  return veiled(next);
}

/** The tab says what the page shows now. */
function entitle({ scene, texts }, screen) {
  const { title } = scene.poll || scene.task || scene.wall || {};
  if (title) document.title = screen ? texts.say("screen.title", { title }) : title;
}

/** A sign-in that ended leaves what everybody may see: the server knows what that is. */
function renewWhenSignedOut(context) {
  if (context.live.refusal !== "unauthenticated" || context.renewing) return;
  context.renewing = context.env.setTimeout(() => location.reload(), Math.max(0, SETTLED - context.env.now()));
}

/** Without the item that was refused together with its wall, until the wall says something new. */
function allowed(context, streams) {
  const [first, item] = streams;
  const { wall } = context.live.state(first).values;
  if (wall !== context.wall) context.refused = null;
  context.wall = wall;
  const { error } = item ? context.live.state(item) : {};
  if (error) context.refused = item;
  return context.refused && context.refused === item ? [first] : streams;
}

/** Events name the steps of a task in the order they moved; the detail has them as they were written. */
async function learnOrder(context, stream) {
  if (!stream || !/^tasks\/[^/]+$/.test(stream)) return;
  try {
    const response = await context.env.fetch(`/api/${stream}`, { headers: { Accept: "application/json" } });
    if (!response.ok) return;
    context.order = (await response.json()).steps.map((step) => step.name);
    context.redraw();
  } catch {
    // The order worked out from what each step needs is good enough.
  }
}
