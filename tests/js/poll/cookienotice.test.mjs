import assert from "node:assert/strict";
import { test } from "node:test";
import { CookieNotice } from "../../../static/js/poll/cookienotice.js";

function notice(keepsCookies) {
  const field = { addEventListener() {}, value: "" };
  const link = { href: "" };
  const element = { hidden: true, querySelector: (selector) => (selector === "a" ? link : field) };
  const env = { keepsCookies: () => keepsCookies, address: () => "http://wall.example/w/K7M2QD?code=AB" };
  return { element, field, link, view: new CookieNotice(element, { env }) };
}
const ballot = (fields) => ({ error: null, stored: { receipt: null }, ...fields });

test("there is no notice where cookies are kept", () => {
  const { element, view } = notice(true);
  view.update(null);
  view.update(ballot({ error: { code: "closed" } }));
  assert.equal(element.hidden, true);
});

test("the notice comes before there is a ballot, with the address of the page", () => {
  const { element, field, link, view } = notice(false);
  view.update(null);
  assert.equal(element.hidden, false);
  assert.equal(field.value, "http://wall.example/w/K7M2QD?code=AB");
  assert.equal(link.href, field.value);
});

test("the server's answer to a ballot counts more than the test", () => {
  const { element, view } = notice(true);
  view.update(ballot({ error: { code: "no_voter" } }));
  assert.equal(element.hidden, false);
  view.update(ballot({ stored: { receipt: "7F3K" } }));
  assert.equal(element.hidden, true);
});
