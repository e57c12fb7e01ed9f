// The kind "multi": a ballot marks several options, at most `max_choices`.

/** @import { Kind } from "./index.js" */

/** @type {Kind} */
export const multi = {
  markClass: "mark box",
  castsOnTap: () => false,
  mark: (poll, marked, id) => {
    if (marked.includes(id)) return marked.filter((other) => other !== id);
    return marked.length < poll.max_choices ? [...marked, id] : null;
  },
  invitation: (poll, texts) => texts.say("vote.up_to", { n: poll.max_choices }, poll.max_choices),
  rule: (poll, texts) => texts.say("poll.up_to", { n: poll.max_choices }, poll.max_choices),
  formFields: (maximum, options) => ({ max_choices: maximum === null ? options : maximum }),
  formMaximum: (poll) => String(poll.max_choices),
};
