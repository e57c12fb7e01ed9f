import assert from "node:assert/strict";
import { test } from "node:test";
import { typingText } from "../../../static/js/room/presence.js";
import { Texts } from "../../../static/js/ui/texts.js";

test("who writes is said of the others only", () => {
  const texts = new Texts({
    "room.typing_one": "%(name)s writes", "room.typing_some": "%(names)s write",
    "room.typing_many": { one: "%(names)s and one more", other: "%(names)s and %(n)s more" },
  });
  const said = (names, more = 0) => typingText({ names, more }, "Me", texts, String);
  assert.deepEqual([said([]), said(["Me"]), typingText(undefined, "Me", texts, String)], ["", "", ""]);
  assert.equal(said(["Ann", "Me"]), "Ann writes");
  assert.equal(said(["Ann", "Bob"]), "Ann, Bob write");
  assert.equal(said(["Ann", "Bob", "Me"], 1), "Ann, Bob and one more");
  assert.equal(said(["Ann", "Bob", "Cy"], 5), "Ann, Bob, Cy and 5 more");
});
