// Said where the browser keeps no cookies, as some inside other apps do not: a ballot cannot be kept here, and this is
// the address to open elsewhere.

export class Cookies {
  constructor(element, { env }) {
    this.element = element;
    this.field = element.querySelector("input");
    this.field.value = element.querySelector("a").href = env.address();
    this.field.addEventListener("focus", () => this.field.select());
    this.missing = !env.keepsCookies();
  }

  /** `ballot` is the one of the poll shown, if any: the server's refusal is the last word. */
  update(ballot) {
    if (ballot && ballot.error && ballot.error.code === "no_voter") this.missing = true;
    else if (ballot && ballot.safe.receipt) this.missing = false;
    this.element.hidden = !this.missing;
  }
}
