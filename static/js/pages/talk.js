// The panel of a room. A page of a wall loads this when somebody looks there.

import { RoomView } from "../room/view.js";
import { Texts } from "../ui/texts.js";

/** @import { RoomData } from "../room/view.js" */
/** @import { PanelTools } from "../wall/tabs.js" */

/**
 * `data` and `words` are those of the room's own page, from which the panel was taken.
 * @param {HTMLElement} _root
 * @param {PanelTools & {data: RoomData, words: Record<string, any>}} tools
 */
export function mount(_root, { context, announcer, isShown, data, words }) {
  const { env, live, number } = context;
  const view = new RoomView({ data, texts: new Texts(words), number, env, live, announcer, isShown });
  return {
    update: () => view.changed(),
    shown: () => view.shown(),
    left: () => view.left(),
    stop: () => view.stop(),
  };
}
