// A step with hosts on the projector: how many are done in figures that the last row can read, a cell for each host, and
// where it failed, in names. Cells are made once per step and size, and changed in place.

import { StateBadge } from "../task/badge.js";
import { hostCells, largestCells } from "../task/hostcells.js";
import { namesText, progressOf, sizesOfWaves, withoutDomain } from "../task/hosts.js";
import { drawHostCells, makeHostCells } from "../task/nodehosts.js";
import { shapeOf } from "../task/states.js";
import { h, setText, svg } from "../ui/dom.js";
import { FEW, HostRows } from "./hostrows.js";

/** @import { FormatNumber, Texts } from "../ui/texts.js" */
/** @import { HostStep } from "../task/hosts.js" */

/** The largest side of a cell, in hundredths of the screen's width. */
const LARGEST = 6;
/** At most so many hosts are named that failed; fewer, if so many do not fit. */
const NAMED = 12;
/** Longer names are told without the domain that all hosts of the step share. */
const LONG_NAME = 20;
/** Forbids the break of a line that browsers would else make after a hyphen. */
const WORD_JOINER = "\u2060";
/** Allows one, after a dot of a name that is longer than a line. */
const ZERO_WIDTH_SPACE = "\u200b";

export class HostPoster {
  /** @param {{texts: Texts, number: FormatNumber}} tools */
  constructor({ texts, number }) {
    this.texts = texts;
    this.number = number;
    this.badge = new StateBadge(texts);
    this.parts = {
      done: h("b"), of: h("span"), lost: h("span"), name: h("b", { class: "name", dir: "auto" }), wave: h("span", { class: "wave" }),
      failed: h("span", { dir: "auto" }), waits: h("span"), said: h("div", { class: "said" }), cells: h("div", { class: "cells" }),
    };
    const { done, of, lost, name, wave, failed, waits, said, cells } = this.parts;
    this.losses = h("span", { class: "lost bad", hidden: true }, alertMark("failed"), lost);
    this.failure = h("p", { class: "alert bad", hidden: true }, failed);
    this.wait = h("p", { class: "alert wait", hidden: true }, alertMark("waiting"), waits);
    said.append(
      h("p", { class: "count" }, h("span", { class: "won" }, done, of), this.losses), this.failure,
      h("p", { class: "which" }, name, this.badge.element, wave), this.wait);
    this.element = h("div", { class: "fan", hidden: true }, said, cells);
    /** The hosts that are named, so that they are measured once. */
    this.named = "";
    /** @type {HostStep | null} */
    this.step = null;
    this.structure = "";
    /** @type {ReturnType<typeof makeHostCells> | null} */
    this.view = null;
    this.rows = new HostRows({ texts });
    this.observer = new ResizeObserver(() => {
      this.structure = this.named = "";
      if (this.step) this.update(this.step);
    });
    this.observer.observe(cells);
  }

  stop() {
    this.observer.disconnect();
  }

  /** @param {HostStep | null} step */
  update(step) {
    this.step = step;
    this.element.hidden = !step;
    if (!step) return;
    const { texts, number, parts } = this;
    const { succeeded, total, wave, waves, failed } = progressOf(step);
    setText(parts.done, number(succeeded));
    setText(parts.of, texts.say("hosts.of", { of: number(total) }, total));
    setText(parts.name, step.name);
    this.badge.set(step.state);
    setText(parts.wave, wave !== null && waves > 1 ? texts.say("hosts.wave_of", { n: wave, of: waves }) : "");
    this.losses.hidden = this.failure.hidden = failed.length === 0;
    setText(parts.lost, texts.say("task.of_state", { n: number(failed.length), state: texts.say("state.failed") }));
    const asks = step.targets.filter((target) => target.fingerprint).length;
    const waits = [step.paused ? texts.say("hosts.paused") : "", asks ? texts.say("hosts.asks_keys", { n: asks }, asks) : ""].filter(Boolean);
    this.wait.hidden = waits.length === 0;
    this.element.classList.toggle("waits", waits.length > 0);
    setText(parts.waits, waits.join(" · "));
    this.nameFailed(step, failed, waits);
    this.drawCells(step);
  }

  /**
   * Names as many of the hosts that failed as fit, each in one piece.
   * @param {HostStep} step
   * @param {string[]} failed
   * @param {string[]} waits what is said below them
   */
  nameFailed({ targets }, failed, waits) {
    const named = JSON.stringify([failed, waits]);
    if (named === this.named || !failed.length) return;
    this.named = named;
    const isLong = failed.some((host) => host.length > LONG_NAME);
    const whole = (isLong ? withoutDomain(failed, targets) : failed).map(inOnePiece);
    const boxes = [this.parts.failed, this.parts.said];
    for (let most = NAMED; most > 0; most -= 1) {
      setText(this.parts.failed, namesText(whole, this.texts, most));
      if (boxes.every((box) => box.scrollHeight <= box.clientHeight + 1)) return;
    }
  }

  /** @param {HostStep} step */
  drawCells(step) {
    const { cells } = this.parts;
    if (step.targets.length <= FEW) {
      this.view = null;
      if (cells.firstChild !== this.rows.element) cells.replaceChildren(this.rows.element);
      this.rows.update(step);
      return;
    }
    const field = { width: cells.clientWidth, height: cells.clientHeight };
    if (!field.width || !field.height) return;
    const structure = JSON.stringify([step.name, field, step.targets.map(({ host, wave }) => [host, wave])]);
    if (structure !== this.structure || !this.view) {
      this.structure = structure;
      const waves = sizesOfWaves(step.targets);
      const size = largestCells(waves, field, (LARGEST / 100) * window.innerWidth);
      const grid = hostCells(waves, field.width, size);
      this.view = makeHostCells(grid, step.targets);
      cells.replaceChildren(svg("svg", { width: field.width, height: Math.ceil(grid.height), "aria-hidden": "true" }, this.view.element));
    }
    drawHostCells(this.view, step, this.texts);
  }
}

/**
 * Returns the shape of a state, beside a sentence about it.
 * @param {string} state
 */
function alertMark(state) {
  return svg("svg", { viewBox: "0 0 18 18", class: "shape", "aria-hidden": "true" }, svg("path", { class: "mark", d: shapeOf(state) }));
}

/**
 * Returns a name that no line divides, or only after a dot if it is longer than a line.
 * @param {string} name
 */
function inOnePiece(name) {
  const joined = name.replaceAll("-", `-${WORD_JOINER}`);
  return name.length > LONG_NAME ? joined.replaceAll(".", `.${ZERO_WIDTH_SPACE}`) : joined;
}
