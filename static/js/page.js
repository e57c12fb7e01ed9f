// What every live page does at its start: read its data, connect, follow the wall's active item, tick once a second.

import { dataBlock } from "./dom.js";
import { browser, wakeOn } from "./env.js";
import { Live } from "./live.js";
import { scene, wanted } from "./scene.js";
import { Texts } from "./text.js";

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
    const next = scene(page, stateOf, context.order);
    // What is on its way keeps the last picture on the wall.
    if (next.kind !== "waiting" || context.scene.kind === "waiting") context.scene = next;
    draw(context);
  };
  context.live = new Live({ streams: [page.wallStream || page.stream], audience, env, changed: () => context.redraw() });
  context.order = page.steps || [];
  document.documentElement.classList.add("scripted");
  context.live.start();
  wakeOn(context.live.connection);
  tick(context);
  window.setInterval(() => tick(context), 1000);
  return context;
}

/** Without the item that was refused together with its wall, until the wall says something new. */
function allowed(context, streams) {
  const [first, item] = streams;
  const { wall } = context.live.state(first).values;
  if (wall !== context.wall) context.refused = null;
  context.wall = wall;
  const { error, ready } = item ? context.live.state(item) : {};
  if (error && !ready) context.refused = item;
  return context.refused && context.refused === item ? [first] : streams;
}

/** Events name the steps of a task in the order they moved; the detail has them as they were written. */
async function learnOrder(context, stream) {
  if (!stream || !stream.startsWith("tasks/")) return;
  try {
    const response = await context.env.fetch(`/api/${stream}`, { headers: { Accept: "application/json" } });
    if (!response.ok) return;
    context.order = (await response.json()).steps.map((step) => step.name);
    context.redraw();
  } catch {
    // The order worked out from what each step needs is good enough.
  }
}
