import assert from "node:assert/strict";
import { test } from "node:test";
import { changeText, valueText } from "../../../static/js/host/changetext.js";
import { Texts } from "../../../static/js/ui/texts.js";

const texts = new Texts({
  "host.changed": "%(field)s: now %(now)s; it was %(before)s.", "host.changed_mine": "%(field)s: now %(now)s; yours is %(mine)s.",
  "host.field.title": "Title", "host.field.active": "On the screen", "host.empty": "nothing", "poll.phase.open": "open", "host.yes": "yes",
});
const tools = { texts, titleOf: (item) => `title of ${item}`, time: () => "12:00" };

test("a change is described in a sentence", () => {
  assert.equal(changeText({ field: "title", before: "T", now: "Theirs", mine: "Mine" }, tools), "Title: now “Theirs”; yours is “Mine”.");
  assert.equal(changeText({ field: "active", before: null, now: "polls/A" }, tools), "On the screen: now “title of polls/A”; it was nothing.");
  assert.deepEqual([valueText("phase", "open", tools), valueText("compare", true, tools), valueText("options", [{ id: "1", label: "Yes" }, { id: "2", label: "No" }], tools)], ["open", "yes", "“Yes”, “No”"]);
});
