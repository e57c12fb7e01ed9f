import assert from "node:assert/strict";
import { test } from "node:test";
import { Cookies } from "../../../static/js/poll/cookienotice.js";

function made(keepsCookies) {
  const field = { addEventListener() {}, value: "" };
  const link = { href: "" };
  const element = { hidden: true, querySelector: (selector) => (selector === "a" ? link : field) };
  const env = { keepsCookies: () => keepsCookies, address: () => "http://wall.example/w/K7M2QD?code=AB" };
  return { element, field, link, view: new Cookies(element, { env }) };
}
const ballot = (fields) => ({ error: null, safe: { receipt: null }, ...fields });

test("nothing is said where cookies are kept", () => {
  const { element, view } = made(true);
  view.update(null);
  view.update(ballot({ error: { code: "closed" } }));
  assert.equal(element.hidden, true);
});

test("it is said before there is a ballot, with the address as the browser has it", () => {
  const { element, field, link, view } = made(false);
  view.update(null);
  assert.equal(element.hidden, false);
  assert.equal(field.value, "http://wall.example/w/K7M2QD?code=AB");
  assert.equal(link.href, field.value);
});

test("what the server says of the ballot counts more than the trial", () => {
  const { element, view } = made(true);
  view.update(ballot({ error: { code: "no_voter" } }));
  assert.equal(element.hidden, false);
  view.update(ballot({ safe: { receipt: "7F3K" } }));
  assert.equal(element.hidden, true);
});
