/** The service's calls. What goes wrong is a Problem (the server said no) or a LineDown (nobody answered). */

const DEADLINE = 10_000;

/** @typedef {{method?: string, body?: string | undefined, headers: Record<string, string>}} Options */

/** The server's answer that is no success (RFC 9457). */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {string} code stable name of what is wrong
   * @param {string} title
   * @param {number} retryAfter seconds to wait; 0 if the server did not say
   */
  constructor(status, code, title, retryAfter) {
    super(title);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /** Whether the same may go well later. */
  get mayPass() {
    return this.status >= 500 || [401, 408, 429].includes(this.status);
  }
}

/** No answer: the network or the server is away. */
export class LineDown extends Error {}

export class Api {
  /** @param {import("./CheckAuth.js").Session} session */
  constructor(session) {
    this.session = session;
  }

  /**
   * The JSON of a GET.
   * @param {string} path
   * @returns {Promise<any>}
   */
  async get(path) {
    return (await this.request("GET", path)).json();
  }

  /**
   * The JSON of a GET, and the address of the next page.
   * @param {string} path
   * @returns {Promise<{items: any[], next: string | null}>}
   */
  async page(path) {
    const answer = await this.request("GET", path);
    return { items: await answer.json(), next: nextOf(answer.headers.get("link")) };
  }

  /**
   * The JSON of a call with a body.
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @returns {Promise<any>}
   */
  async call(method, path, body) {
    return (await this.request(method, path, body)).json();
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   */
  async request(method, path, body) {
    const options = { method, body: body === undefined ? undefined : JSON.stringify(body) };
    /** @type {Record<string, string>} */
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const deadline = () => AbortSignal.timeout(DEADLINE);
    const answer = await this.signedFetch(path, { ...options, headers }, deadline);
    if (!answer.ok) throw await problemOf(answer);
    return answer;
  }

  /**
   * fetch with the access token; a token that has become stale is renewed once.
   * @param {string} path
   * @param {Options} options
   * @param {() => AbortSignal} signal
   */
  async signedFetch(path, options, signal) {
    let answer = await this.#fetch(path, options, signal());
    if (answer.status === 401) {
      await this.session.renew();
      answer = await this.#fetch(path, options, signal());
    }
    return answer;
  }

  /**
   * @param {string} path
   * @param {Options} options
   * @param {AbortSignal} signal
   */
  async #fetch(path, options, signal) {
    const authorization = `Bearer ${await this.session.getAccessToken()}`;
    return reach(path, { ...options, signal, headers: { ...options.headers, authorization } });
  }
}

/**
 * fetch, with LineDown for no answer. For what needs no token.
 * @param {string} url
 * @param {RequestInit} [options]
 */
export async function reach(url, options = {}) {
  try {
    return await fetch(url, { signal: AbortSignal.timeout(DEADLINE), cache: "no-store", ...options });
  } catch (error) {
    throw new LineDown("The server cannot be reached", { cause: error });
  }
}

/**
 * @param {Response} answer
 * @returns {Promise<Problem>}
 */
export async function problemOf(answer) {
  const retryAfter = Number(answer.headers.get("retry-after")) || 0;
  try {
    const { code, title } = await answer.json();
    return new Problem(answer.status, String(code), String(title), retryAfter);
  } catch {
    return new Problem(answer.status, "unknown", `The server answered ${answer.status}`, retryAfter);
  }
}

/**
 * The address of `rel="next"` in a Link header (RFC 8288), as this service writes it.
 * @param {string | null} header
 */
export function nextOf(header) {
  return header?.match(/<([^>]+)>;\s*rel="next"/)?.[1] ?? null;
}
