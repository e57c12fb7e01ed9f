import assert from "node:assert/strict";
import { test } from "node:test";
import { sse } from "../../../static/js/net/sse.js";
import { FakeTime, recorder } from "../fakes.mjs";

const SPEC = { streams: ["polls/A"], positionOf: () => null, audience: false };

test("server-sent events behind a buffering proxy are given up within seconds", async () => {
  const time = new FakeTime();
  const { heard, on } = recorder();
  sse(SPEC, on, time.env({ fetch: () => new Promise(() => {}), AbortController, TextDecoder }));
  await time.pass(4_100);
  assert.equal(heard.ended[0].silent, true);
});
