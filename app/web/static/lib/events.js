/** The event stream: read with fetch because EventSource cannot carry a token; resumed by the last event's id. */

import { NetworkError } from "./api.js";
import { Backoff } from "./backoff.js";

/** Milliseconds without a byte after which a connection counts as dead; the server sends a comment more often. */
const IDLE_TIMEOUT = 40_000;

/** @typedef {{id: string | null, data: string, retry: number | null}} ServerSentEvent */

/** Parses server-sent events from chunks of any size. */
export class EventParser {
  #rest = "";

  /**
   * @param {string} chunk
   * @returns {ServerSentEvent[]} the events that the chunk completes
   */
  push(chunk) {
    const blocks = (this.#rest + chunk).replaceAll("\r\n", "\n").split("\n\n");
    this.#rest = blocks.pop() ?? "";
    return blocks.map(parseBlock).filter((event) => event.data !== "" || event.retry !== null);
  }
}

/**
 * @param {string} block
 * @returns {ServerSentEvent}
 */
function parseBlock(block) {
  /** @type {ServerSentEvent} */
  const event = { id: null, data: "", retry: null };
  for (const line of block.split("\n")) {
    const [, field, value] = line.match(/^([^:]*):? ?(.*)$/s) ?? [];
    if (field === "data") event.data += (event.data && "\n") + value;
    if (field === "id") event.id = value ?? "";
    if (field === "retry") event.retry = Number(value) || null;
  }
  return event;
}

/** Keeps one stream open from run() to stop(). */
export class EventStream {
  #lastId = "";
  #backoff = new Backoff();
  #lifetime = new AbortController();
  #attempt = new AbortController();
  #skipsWait = false;

  /**
   * @param {import("./api.js").Api} api
   * @param {(event: import("../types.js").LiveEvent) => void} onEvent
   * @param {(connection: import("../types.js").Connection) => void} onConnection
   */
  constructor(api, onEvent, onConnection) {
    this.api = api;
    this.onEvent = onEvent;
    this.onConnection = onConnection;
  }

  async run() {
    const stopped = this.#lifetime.signal;
    while (!stopped.aborted) {
      await this.#read(stopped).catch(() => {});
      if (stopped.aborted || this.#skipsWait) continue;
      this.onConnection(navigator.onLine ? "reconnecting" : "offline");
      await this.#backoff.wait();
    }
  }

  stop() {
    this.#lifetime.abort();
    this.#backoff.retryNow();
  }

  /** Replace the connection at once: after a change of networks an open one may be dead without a sign of it. */
  reconnect() {
    this.#skipsWait = true;
    this.#attempt.abort();
    this.#backoff.retryNow();
  }

  /** Make the next attempt now if the stream is waiting for it. */
  retryNow() {
    this.#backoff.retryNow();
  }

  /** @param {AbortSignal} stopped */
  async #read(stopped) {
    const idle = new IdleTimeout(IDLE_TIMEOUT);
    this.#attempt = new AbortController();
    this.#skipsWait = false;
    try {
      const headers = { accept: "text/event-stream", ...(this.#lastId ? { "last-event-id": this.#lastId } : {}) };
      const signal = AbortSignal.any([stopped, idle.signal, this.#attempt.signal]);
      const response = await this.api.authorizedFetch("/api/events", { headers }, () => signal);
      if (!response.ok || !response.body) throw await this.api.problemFrom(response);
      this.#backoff.reset();
      this.onConnection("live");
      await this.#readBody(response.body, idle);
    } finally {
      idle.clear();
    }
  }

  /**
   * @param {ReadableStream<Uint8Array>} body
   * @param {IdleTimeout} idle
   */
  async #readBody(body, idle) {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    const parser = new EventParser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      idle.restart();
      for (const event of parser.push(decoder.decode(value, { stream: true }))) this.#dispatch(event);
    }
  }

  /** @param {ServerSentEvent} event */
  #dispatch(event) {
    if (event.retry !== null) this.#backoff.firstDelay = event.retry;
    if (event.data) this.onEvent(JSON.parse(event.data));
    if (event.id !== null) this.#lastId = event.id; // last: an event that could not be applied is sent again
  }
}

/** Aborts its signal unless it is restarted in time. */
class IdleTimeout {
  #controller = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {number} duration milliseconds */
  constructor(duration) {
    this.duration = duration;
    this.signal = this.#controller.signal;
    this.restart();
  }

  restart() {
    clearTimeout(this.#timer);
    const error = new NetworkError(`The event stream sent nothing for ${this.duration / 1000} s`);
    this.#timer = setTimeout(() => this.#controller.abort(error), this.duration);
  }

  clear() {
    clearTimeout(this.#timer);
  }
}
