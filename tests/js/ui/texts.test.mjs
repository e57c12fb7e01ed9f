import assert from "node:assert/strict";
import { test } from "node:test";
import { Texts } from "../../../static/js/ui/texts.js";

test("texts fill in values and choose singular or plural", () => {
  const texts = new Texts({ one: "Round %(round)s", ballots: { one: "%(n)s ballot", other: "%(n)s ballots" } });
  assert.equal(texts.say("one", { round: 2 }), "Round 2");
  assert.equal(texts.say("ballots", { n: 1 }, 1), "1 ballot");
  assert.equal(texts.say("ballots", { n: "1,012" }, 1012), "1,012 ballots");
});
