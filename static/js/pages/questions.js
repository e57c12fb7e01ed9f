// The panel of the questions. A page of a wall loads this when somebody looks at them.

import { QuestionsPanel } from "../question/panel.js";

/** @import { PanelTools } from "../wall/tabs.js" */

/**
 * @param {HTMLElement} root
 * @param {PanelTools} tools
 */
export function mount(root, { context, wall, announcer }) {
  const { env, live, texts, number, page } = context;
  return new QuestionsPanel(root, { wall, isHost: page.host, texts, number, env, live, announcer });
}
