// The page of a replay.

import { Replay } from "../poll/replay.js";
import { Corner } from "../ui/corner.js";
import { dataBlock, find } from "../ui/dom.js";
import { startLivePage } from "../wall/livepage.js";

/** @import { Context } from "../wall/livepage.js" */

/** @type {{corner: Corner, replay: Replay} | null} */
let views = null;

/** @param {Context} context */
function draw(context) {
  if (!views) views = { corner: new Corner(find("#corner"), context), replay: new Replay({ ...context, page: dataBlock("page") }) };
  views.corner.update(context.live);
  views.replay.update(context.scene);
}

/** @param {Context} context */
function tick(context) {
  if (views) views.corner.update(context.live);
}

startLivePage({ audience: dataBlock("page").audience, draw, tick });
document.addEventListener("keydown", (event) => {
  const onControl = event.target instanceof Element && event.target.closest("button, select, a, input, textarea, summary");
  if (event.key !== " " || onControl || event.ctrlKey || event.metaKey || event.altKey || !views || !views.replay.isShown) return;
  event.preventDefault();
  views.replay.toggle();
});
