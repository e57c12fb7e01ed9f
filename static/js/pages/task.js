// One task and its steps, live.

import { start } from "../page.js";
import { Corner } from "../views/corner.js";
import { Lobby } from "../views/lobby.js";
import { Steps } from "../views/steps.js";
import { Announcer } from "../views/announcer.js";

const find = (selector) => document.querySelector(selector);
let views = null;

function draw(context) {
  if (!views) {
    const tools = { ...context, live: () => context.live };
    const stage = find("#stage");
    views = {
      corner: new Corner(find("#corner"), tools),
      announcer: new Announcer(find("#announcer"), context.env),
      task: new Steps(stage, tools),
      lobby: new Lobby(stage, tools),
    };
  }
  views.corner.update(context.live);
  const { scene } = context;
  if (scene.kind === "waiting") return;
  if (scene.kind === "task") {
    views.lobby.leave();
    views.task.update(scene);
    views.announcer.count(`${scene.task.title}: ${context.texts.say(`state.${scene.task.state}`)}`);
  } else {
    views.task.leave();
    views.lobby.update(scene);
  }
}

function tick(context) {
  if (!views) return;
  views.corner.update(context.live);
  if (context.scene.kind === "task") views.task.tick();
}

start({ draw, tick });
