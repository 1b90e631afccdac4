/** HTTP requests to the service. They fail with a Problem (an error response) or a NetworkError (no response). */

import { addressOf } from "./base.js";

const REQUEST_TIMEOUT = 10_000;

/** @typedef {{method?: string, body?: string | undefined, headers: Record<string, string>}} Options */

/** A request that failed outside of the page. */
export class RequestError extends Error {
  /** Whether the same request may succeed later. */
  isRetryable = true;
  /** Seconds to wait first, if the server named a time. */
  retryAfter = 0;
}

/** An error response, with its problem document (RFC 9457). */
export class Problem extends RequestError {
  /**
   * @param {number} status
   * @param {string} code the stable name of the problem
   * @param {string} title
   * @param {number} retryAfter seconds to wait; 0 if the server did not say
   */
  constructor(status, code, title, retryAfter) {
    super(title);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
    this.isRetryable = status >= 500 || [401, 408, 429].includes(status);
  }
}

/** No response: the network or the server cannot be reached. */
export class NetworkError extends RequestError {}

export class Api {
  /** @param {import("./CheckAuth.js").Session} session */
  constructor(session) {
    this.session = session;
  }

  /**
   * Return the JSON of a GET.
   * @param {string} path
   * @returns {Promise<any>}
   */
  async get(path) {
    return readJson(await this.request("GET", path));
  }

  /**
   * Return the items of a page, and the address of the next one.
   * @param {string} path
   * @returns {Promise<{items: any[], next: string | null}>}
   */
  async getPage(path) {
    const response = await this.request("GET", path);
    return { items: await readJson(response), next: nextLink(response.headers.get("link")) };
  }

  /**
   * Send a request with a body and return the JSON of the response.
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @param {Record<string, string>} [fields] header fields
   * @returns {Promise<any>}
   */
  async call(method, path, body, fields) {
    return readJson(await this.request(method, path, body, fields));
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @param {Record<string, string>} [fields] header fields
   */
  async request(method, path, body, fields = {}) {
    const options = { method, body: body === undefined ? undefined : JSON.stringify(body) };
    /** @type {Record<string, string>} */
    const headers = body === undefined ? fields : { ...fields, "content-type": "application/json" };
    const deadline = () => AbortSignal.timeout(REQUEST_TIMEOUT);
    const response = await this.authorizedFetch(path, { ...options, headers }, deadline);
    if (!response.ok) throw await this.problemFrom(response);
    return response;
  }

  /**
   * Return the problem of an error response. That the account is disabled or deleted ends the session.
   * @param {Response} response
   */
  async problemFrom(response) {
    const problem = await problemFrom(response);
    if (problem.code === "account-disabled" || problem.code === "account-erased") {
      this.session.onRefused(problem.message);
    }
    return problem;
  }

  /**
   * Fetch with the access token; if it is refused, renew it and repeat the request once.
   * @param {string} path
   * @param {Options} options
   * @param {() => AbortSignal} signal
   */
  async authorizedFetch(path, options, signal) {
    let response = await this.#fetch(path, options, signal());
    if (response.status === 401) {
      await this.session.renew();
      response = await this.#fetch(path, options, signal());
    }
    return response;
  }

  /**
   * @param {string} path
   * @param {Options} options
   * @param {AbortSignal} signal
   */
  async #fetch(path, options, signal) {
    const authorization = `Bearer ${await this.session.getAccessToken()}`;
    return fetchWithTimeout(path, { ...options, signal, headers: { ...options.headers, authorization } });
  }
}

/**
 * Fetch without a token and without the HTTP cache; raise NetworkError if there is no response in time.
 * @param {string} url of another service, or a path of this one
 * @param {RequestInit} [options]
 */
export async function fetchWithTimeout(url, options = {}) {
  try {
    return await fetch(addressOf(url), { signal: AbortSignal.timeout(REQUEST_TIMEOUT), cache: "no-store", ...options });
  } catch (error) {
    throw new NetworkError("The server cannot be reached", { cause: error });
  }
}

/**
 * Fetch JSON without a token.
 * @param {string} url
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
export async function fetchJson(url, options) {
  const response = await fetchWithTimeout(url, options);
  if (!response.ok) throw await problemFrom(response);
  return readJson(response);
}

/**
 * Return the JSON of a response; raise NetworkError if its body breaks off or is something else.
 * @param {Response} response
 * @returns {Promise<any>}
 */
export async function readJson(response) {
  try {
    return await response.json();
  } catch (error) {
    throw new NetworkError("The answer of the server did not arrive whole", { cause: error });
  }
}

/**
 * Return the problem that an error response describes.
 * @param {Response} response
 * @returns {Promise<Problem>}
 */
export async function problemFrom(response) {
  const retryAfter = Number(response.headers.get("retry-after")) || 0;
  try {
    const { code, title, detail } = await response.json();
    const text = code === "account-disabled" ? detail : title; // it says until when
    return new Problem(response.status, String(code), String(text), retryAfter);
  } catch {
    return new Problem(response.status, "unknown", `The server answered with status ${response.status}`, retryAfter);
  }
}

/** @param {unknown} error */
export function errorText(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Return the path of `rel="next"` in a Link header (RFC 8288) of this service, without the prefix of a proxy, or null.
 * @param {string | null} header
 */
export function nextLink(header) {
  return header?.match(/<[^>]*?(\/api\/[^>]+)>;\s*rel="next"/)?.[1] ?? null;
}
