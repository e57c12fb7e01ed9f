// The kind "single": a ballot marks one option.

/** @import { Kind } from "./index.js" */

/** @type {Kind} */
export const single = {
  markClass: "mark",
  castsOnTap: (poll) => poll.allow_change,
  mark: (_poll, _marked, id) => [id],
  invitation: () => "",
  rule: () => "",
  formFields: () => ({ max_choices: 1 }),
  formMaximum: () => "",
};
