import assert from "node:assert/strict";
import { test } from "node:test";
import { classes, fromIndexed, nearest, pieces, plain } from "../../static/js/ansi.js";

const looks = (line) => pieces(line).map(({ text, look }) => [text, classes(look)]);

test("the sixteen colours become classes, and a reset ends them", () => {
  assert.deepEqual(looks("a\x1b[31mb\x1b[0mc\x1b[92;1md"), [["a", ""], ["b", "a-ink1"], ["c", ""], ["d", "a-ink10 a-bold"]]);
  assert.deepEqual(looks("\x1b[41mb\x1b[49m\x1b[107mw"), [["b", "a-ground1"], ["w", "a-ground15"]]);
});

test("256 and true colours become the nearest of the sixteen, written with semicolons or colons", () => {
  for (const red of ["38;5;196", "38;2;250;70;70", "38:2::250:70:70", "38:2:250:70:70", "38:5:196"]) {
    assert.equal(looks(`\x1b[${red}mx`)[0][1].startsWith("a-ink"), true, red);
  }
  assert.deepEqual(looks("\x1b[38;2;240;75;75;1mx"), [["x", "a-ink9 a-bold"]]);
  assert.equal(fromIndexed(232), 0);
  assert.equal(fromIndexed(255), 15);
  assert.equal(fromIndexed(300), null);
  assert.equal(nearest(0, 0, 0), 0);
});

test("a colour that is not whole changes nothing and swallows nothing", () => {
  assert.deepEqual(looks("\x1b[38;5mx"), [["x", ""]]);
  assert.deepEqual(looks("\x1b[38;2;1;2mx\x1b[39;32my"), [["x", ""], ["y", "a-ink2"]]);
});

test("flags come and go", () => {
  assert.deepEqual(looks("\x1b[1;3;4;7;9mx\x1b[22;23;24;27;29my"), [["x", "a-bold a-italic a-underline a-inverse a-strike"], ["y", ""]]);
});

test("redraws leave the last, in the colours it had", () => {
  assert.equal(plain("10%\r50%\r100%"), "100%");
  assert.equal(plain("done\r"), "done");
  assert.equal(plain("10%\r\x1b[K"), "10%");
  assert.deepEqual(looks("\x1b[32m10%\r20%"), [["20%", "a-ink2"]]);
});

test("every other escape is dropped: cursor, title, links, charsets, what has no end", () => {
  assert.equal(plain("\x1b[2J\x1b[10;20Ha\x1b[?25lb"), "ab");
  assert.equal(plain("\x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\"), "alink");
  assert.equal(plain("\x1b(Ba\x1b=b\x1bcc\x1bPq#0\x1b\\d"), "abcd");
  assert.equal(plain("a\x9b31mb\x9d0;t\x9cc"), "abc");
  assert.equal(plain("a\x1b[31"), "a");
  assert.equal(plain("a\x1b"), "a");
  assert.equal(plain("a\x1b]0;no end"), "a");
  assert.equal(plain("\x1b[>4;2mx"), "x");
});

test("what cannot be seen, or turns the text around, is shown as a sign", () => {
  assert.deepEqual(looks("a\x00b\x07"), [["a", ""], ["␀", "a-sign"], ["b", ""], ["␇", "a-sign"]]);
  assert.equal(plain("\u202eevil\u200b"), "<U+202E>evil<U+200B>");
  assert.equal(plain("\x7f\x85"), "␡<U+0085>");
  assert.equal(plain("a\tb"), "a\tb");
  assert.equal(plain("漢字 مرحبا 👩‍👩‍👧"), "漢字 مرحبا 👩‍👩‍👧");
});

test("a backspace takes back one letter", () => {
  assert.equal(plain("|\b/\b-"), "-");
  assert.equal(plain("👍\bx"), "x");
  assert.equal(plain("\b\bx"), "x");
});

test("markup is text", () => {
  assert.deepEqual(looks("<b>x</b>&amp;"), [["<b>x</b>&amp;", ""]]);
});

test("a long line of nothing but escapes takes no time", () => {
  const began = performance.now();
  plain("\x1b[3".repeat(5_000));
  plain("\x1b]".repeat(8_000));
  plain("\r\b".repeat(8_000));
  assert.ok(performance.now() - began < 500);
});
