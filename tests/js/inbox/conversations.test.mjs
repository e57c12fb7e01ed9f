import assert from "node:assert/strict";
import { test } from "node:test";
import { conversationWith, firstUnread, isOld, listed, messagesOf } from "../../../static/js/inbox/conversations.js";
import { countUnread, inboxAddress } from "../../../static/js/room/inbox_link.js";

const at = (minute) => `2026-11-30T10:${String(minute).padStart(2, "0")}:00Z`;
const said = (n, from, minute = n) => ({ n, id: String(n), from, name: "A", role: "guest", text: `text ${n}`, at: at(minute) });
const conversation = (id, room, other, messages, unread = 0) => ({
  id, room, with: { id: other, name: other, role: "guest" }, unread, blocked: false, messages,
});
const VALUES = {
  "conversation/c1": conversation("c1", "ops", "ann", 2, 1), "message/c1/1": said(1, "me", 5), "message/c1/2": said(2, "ann", 8),
  "conversation/c2": conversation("c2", "ops", "bo", 1, 3), "message/c2/1": said(1, "bo", 9),
  "conversation/c11": conversation("c11", "hall", "ann", 40),
};

test("conversations are listed with the newest activity first", () => {
  const ids = (known) => listed(VALUES, new Map(known)).map((each) => each.conversation.id);
  assert.deepEqual(ids([]), ["c2", "c1"], "one whose last message is not known is left to the server's list");
  assert.deepEqual(ids([["c11", said(40, "ann", 10)]]), ["c11", "c2", "c1"]);
  assert.deepEqual(ids([["c11", said(40, "ann", 9)]]), ["c11", "c2", "c1"], "equal times keep one order");
  assert.equal(listed(VALUES, new Map([["c1", said(1, "me", 59)]]))[1].last.n, 2, "the stream is newer than the page");
});

test("a conversation is found by its room and the other person", () => {
  assert.equal(conversationWith(VALUES, "hall", "ann").id, "c11");
  assert.equal(conversationWith(VALUES, "hall", "bo"), null);
});

test("its messages have the keys of a room's, and nothing of others", () => {
  assert.deepEqual(Object.keys(messagesOf(VALUES, "c1")), ["message/1", "message/2"]);
  assert.deepEqual(messagesOf(VALUES, "c11"), {});
});

test("what is unread begins at the first message of the other that was not read", () => {
  const all = new Map([1, 2, 3, 4, 5].map((n) => [n, said(n, n === 3 ? "me" : "ann")]));
  const first = (unread, messages = all) => firstUnread(messages, "me", { unread, messages: 5 });
  assert.deepEqual([0, 1, 2, 3, 4].map((n) => first(n)), [null, 5, 4, 2, 1]);
  all.set(4, { n: 4, withdrawn: "host", at: at(4) });
  assert.equal(first(2), 2, "what was erased is not unread");
  all.delete(2);
  assert.equal(first(2), null, "it is not held yet");
});

test("the messages that can be forgotten are those far from the end of their conversation", () => {
  assert.deepEqual(Object.keys(VALUES).filter((key) => isOld(VALUES, key, 1)), ["message/c1/1"]);
});

test("unread messages are counted over all conversations", () => {
  assert.equal(countUnread(VALUES), 4);
  assert.equal(countUnread({ room: { unread: 5 } }), 0);
});

test("a name leads to private messages, but not one's own, the system's, or that of a withdrawn message", () => {
  assert.equal(inboxAddress("ops", said(1, "ann"), "me"), "/inbox?room=ops&person=ann");
  assert.equal(inboxAddress("ops", said(1, "me"), "me"), "");
  assert.equal(inboxAddress("ops", { ...said(1, "x"), role: "system" }, "me"), "");
  assert.equal(inboxAddress("ops", { n: 1, withdrawn: "author", at: at(1) }, "me"), "");
});
