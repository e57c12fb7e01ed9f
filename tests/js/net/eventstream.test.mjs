import assert from "node:assert/strict";
import { test } from "node:test";
import { EventStreamParser } from "../../../static/js/net/eventstream.js";

test("text/event-stream is parsed across any split", () => {
  const text = "retry: 2000\n\n: hello\nid: e.1\ndata: {\"a\":\ndata: 1}\n\nevent: heartbeat\r\ndata: {}\r\n\r\n";
  for (let cut = 0; cut < text.length; cut += 1) {
    const parser = new EventStreamParser();
    const events = [...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))];
    assert.deepEqual(events, [{ event: "message", data: '{"a":\n1}' }, { event: "heartbeat", data: "{}" }], `cut at ${cut}`);
  }
});

test("a retry at the start is a setting, a retry at the end announces the close", () => {
  const parser = new EventStreamParser();
  parser.push("retry: 2000\n\n");
  assert.equal(parser.closing, false);
  parser.push("data: 1\n\n");
  assert.equal(parser.closing, false);
  parser.push("retry: 7000\n\n");
  assert.deepEqual([parser.closing, parser.retry], [true, 7000]);
});
