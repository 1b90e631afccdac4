/** The event stream: read with fetch, as EventSource cannot carry a token; resumed by id; opened again when it breaks. */

import { LineDown, problemOf } from "./api.js";

const SILENCE = 40_000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const GROWTH = 1.5;

/** @typedef {{id: string | null, type: string, data: string, retry: number | null}} Frame */

/** Takes a stream of server-sent events apart, in whatever pieces it comes. */
export class FrameParser {
  #rest = "";

  /**
   * @param {string} text
   * @returns {Frame[]}
   */
  push(text) {
    const blocks = (this.#rest + text).replaceAll("\r\n", "\n").split("\n\n");
    this.#rest = blocks.pop() ?? "";
    return blocks.map(frameOf).filter((frame) => frame.data !== "" || frame.retry !== null);
  }
}

/**
 * @param {string} block
 * @returns {Frame}
 */
function frameOf(block) {
  /** @type {Frame} */
  const frame = { id: null, type: "message", data: "", retry: null };
  for (const line of block.split("\n")) {
    const [, name, value] = line.match(/^([^:]*):? ?(.*)$/s) ?? [];
    if (name === "data") frame.data += (frame.data && "\n") + value;
    if (name === "event") frame.type = value ?? "";
    if (name === "id") frame.id = value ?? "";
    if (name === "retry") frame.retry = Number(value) || null;
  }
  return frame;
}

/** Keeps one stream open as long as it is wanted. */
export class EventStream {
  #lastId = "";
  #base = FIRST_WAIT;
  #failures = 0;
  /** @type {AbortController | null} */
  #running = null;
  #reading = new AbortController();
  #mayPause = true;
  /** @type {() => void} */
  #hurry = () => {};

  /**
   * @param {import("./api.js").Api} api
   * @param {(event: import("../types.js").LiveEvent) => void} onEvent
   * @param {(line: import("../types.js").Line) => void} onLine
   */
  constructor(api, onEvent, onLine) {
    this.api = api;
    this.onEvent = onEvent;
    this.onLine = onLine;
  }

  /** Until stop(). */
  async run() {
    this.#running = new AbortController();
    const ended = this.#running.signal;
    while (!ended.aborted) {
      await this.#read(ended).catch(() => {});
      if (!ended.aborted && this.#mayPause) await this.#pause(ended);
    }
  }

  stop() {
    this.#running?.abort();
    this.#hurry();
  }

  /** The network is another one, and what was open may be dead without knowing: open it again at once. */
  reconnect() {
    this.#mayPause = false;
    this.#reading.abort();
    this.#hurry();
  }

  /** Do not wait any longer before the next try: somebody is looking, or the server has answered elsewhere. */
  hurry() {
    this.#hurry();
  }

  /** @param {AbortSignal} ended */
  async #read(ended) {
    const silence = new Deadline(SILENCE);
    this.#reading = new AbortController();
    this.#mayPause = true;
    try {
      const headers = { accept: "text/event-stream", ...(this.#lastId ? { "last-event-id": this.#lastId } : {}) };
      const signal = AbortSignal.any([ended, silence.signal, this.#reading.signal]);
      const answer = await this.api.signedFetch("/api/events", { headers }, () => signal);
      if (!answer.ok || !answer.body) throw await problemOf(answer);
      this.#failures = 0;
      this.onLine("live");
      await this.#readBody(answer.body, silence);
    } finally {
      silence.clear();
    }
  }

  /**
   * @param {ReadableStream<Uint8Array>} body
   * @param {Deadline} silence
   */
  async #readBody(body, silence) {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    const parser = new FrameParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      silence.extend();
      for (const frame of parser.push(decoder.decode(value, { stream: true }))) this.#take(frame);
    }
  }

  /** @param {Frame} frame */
  #take(frame) {
    if (frame.retry !== null) this.#base = frame.retry;
    if (frame.data) this.onEvent(JSON.parse(frame.data));
    if (frame.id !== null) this.#lastId = frame.id; // after the event: one that could not be taken comes again
  }

  /**
   * Longer after each failure, and never in step with others.
   * @param {AbortSignal} ended
   */
  async #pause(ended) {
    this.onLine(navigator.onLine ? "reconnecting" : "offline");
    const longest = Math.min(LONGEST_WAIT, this.#base * GROWTH ** this.#failures++);
    const wait = longest * (0.5 + Math.random() / 2);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, wait);
      this.#hurry = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
    });
    if (!ended.aborted) this.#hurry = () => {};
  }
}

/** Aborts its signal unless it is extended in time. */
class Deadline {
  #controller = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {number} duration milliseconds */
  constructor(duration) {
    this.duration = duration;
    this.signal = this.#controller.signal;
    this.extend();
  }

  extend() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(new LineDown("The stream has fallen silent")), this.duration);
  }

  clear() {
    clearTimeout(this.#timer);
  }
}
