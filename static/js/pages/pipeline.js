// The form that starts a pipeline: fields for branches, tags and commits have a list that is searched.

import { browserEnvironment } from "../net/environment.js";
import { RefPicker } from "../task/refpicker.js";
import { dataBlock } from "../ui/dom.js";
import { Texts } from "../ui/texts.js";

const { lang, refs } = dataBlock("page");
const tools = { texts: new Texts(dataBlock("texts")), env: browserEnvironment(), lang, address: refs };
document.documentElement.classList.add("scripted");
for (const field of document.querySelectorAll("input[data-param]")) {
  new RefPicker(/** @type {HTMLInputElement} */ (field), tools);
}
