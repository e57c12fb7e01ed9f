// Rules for the scripts of the pages, for their tests and for the script of old browsers.

import js from "@eslint/js";
import globals from "globals";

/** Which rooms a room of static/js may import from. Types may come from anywhere: an @import costs no page anything. */
const ROOMS = {
  net: [],
  ui: [],
  poll: ["net", "ui"],
  task: ["ui"],
  log: ["task", "ui"],
  question: ["net", "room", "ui"],
  wall: ["net", "poll", "question", "task", "ui"],
  host: ["poll", "question", "task", "ui"],
  room: ["net", "ui"],
  inbox: ["net", "room", "ui"],
  pages: ["net", "ui", "poll", "task", "log", "wall", "host", "room", "inbox", "question"],
};

const OLDEST = "Browsers from Chrome 75 and Safari 13 on run these modules; they do not have this syntax.";

const rooms = Object.entries(ROOMS).filter(([room]) => room !== "pages").map(([room, allowed]) => {
  const others = Object.keys(ROOMS).filter((other) => other !== room && !allowed.includes(other));
  const message = `${room}/ may import from ${allowed.join(", ") || "no other room"} (eslint.config.js).`;
  return {
    files: [`static/js/${room}/**/*.js`],
    rules: { "no-restricted-imports": ["error", { patterns: [{ regex: `^(?:\\.\\./)+(?:${others.join("|")})/`, message }] }] },
  };
});

export default [
  { ignores: ["**/*", "!static/**", "!tests/js/**", "!eslint.config.js"] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "no-console": "error",
      "no-else-return": "error",
      "no-implicit-coercion": "error",
      "no-shadow": ["error", { builtinGlobals: false, hoist: "functions" }],
      "no-throw-literal": "error",
      "no-unneeded-ternary": "error",
      "no-useless-return": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
  {
    files: ["static/js/**/*.js"],
    languageOptions: { ecmaVersion: 2021, sourceType: "module", globals: globals.browser },
    rules: {
      "max-lines": ["error", { max: 300, skipBlankLines: true }],
      "no-restricted-syntax": ["error", ...["ChainExpression", "LogicalExpression[operator='??']", "AssignmentExpression[operator=/^(\\?\\?|&&|\\|\\|)=$/]"]
        .map((selector) => ({ selector, message: OLDEST }))],
    },
  },
  ...rooms,
  {
    files: ["tests/js/**/*.mjs", "eslint.config.js"],
    languageOptions: { ecmaVersion: 2022, sourceType: "module", globals: globals.nodeBuiltin },
  },
  {
    // What browsers without modules read.
    files: ["static/*.js"],
    languageOptions: { ecmaVersion: 5, sourceType: "script", globals: globals.browser },
    rules: {
      "no-prototype-builtins": "off",
      "no-shadow": "off",
      "no-unused-vars": ["error", { caughtErrors: "none" }],
      "no-var": "off",
      "object-shorthand": "off",
      "prefer-const": "off",
      "prefer-template": "off",
    },
  },
];
