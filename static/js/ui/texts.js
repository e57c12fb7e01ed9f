// The page's share of the text catalogue, from its data block.

export class Texts {
  constructor(table) {
    this.table = table;
  }

  /** The text of `key` with %(name)s filled in; with `count`, in its singular or plural. */
  say(key, values = {}, count = null) {
    const found = this.table[key];
    if (found === undefined) return key;
    const text = typeof found === "string" ? found : found[count === 1 ? "one" : "other"];
    return text.replace(/%\((\w+)\)s/g, (whole, name) => (name in values ? String(values[name]) : whole));
  }

  has(key) {
    return key in this.table;
  }
}

/** 16 characters in groups of four, as they are read aloud. */
export function grouped(receipt) {
  return (receipt || "").replace(/(.{4})(?=.)/g, "$1-");
}
