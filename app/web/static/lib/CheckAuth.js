/** Who is signed in on this page, if anybody. Access and refresh tokens are in memory and nowhere else. */

import { LineDown, Problem, problemOf, reach } from "./api.js";
import { finishSignIn, leaveCognito, renewWithCognito } from "./cognito.js";

const MARGIN = 60_000;
const HANDLE = "cruddur-handle";

/** Somebody who is signed in: gives access tokens that are good for a while yet. */
export class Session {
  /** @type {Promise<void> | null} */
  #renewing = null;
  /** @type {string | undefined} */
  #refreshToken;
  #accessToken = "";
  #renewAt = 0;

  /**
   * @param {import("../types.js").Tokens} tokens
   * @param {(refresh: string | undefined) => Promise<import("../types.js").Tokens>} fetchTokens
   * @param {() => void} leave forgets the person wherever that is kept
   */
  constructor(tokens, fetchTokens, leave) {
    this.fetchTokens = fetchTokens;
    this.leave = leave;
    /** @type {() => void} */
    this.onEnd = () => {};
    this.#keep(tokens);
  }

  /** @param {import("../types.js").Tokens} tokens */
  #keep(tokens) {
    const lifetime = tokens.expires_in * 1000;
    this.#accessToken = tokens.access_token;
    this.#refreshToken = tokens.refresh_token ?? this.#refreshToken;
    this.#renewAt = Date.now() + lifetime - Math.min(MARGIN, lifetime / 2);
  }

  async getAccessToken() {
    if (Date.now() >= this.#renewAt) await this.renew();
    return this.#accessToken;
  }

  /** A new token, once for all who ask at the same time. Whoever is refused one is signed out. */
  renew() {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #renew() {
    try {
      this.#keep(await this.fetchTokens(this.#refreshToken));
    } catch (error) {
      if (error instanceof Problem && !(error.status >= 500)) this.onEnd();
      throw error;
    }
  }
}

/**
 * The session that this page starts with: of a redirect that comes back, or of the person chosen before a reload.
 * @param {import("../types.js").Config} config
 * @returns {Promise<Session | null>}
 */
export async function checkAuth(config) {
  if (config.sign_in.kind === "cognito") {
    const cognito = config.sign_in;
    const tokens = await finishSignIn(cognito);
    return (
      tokens &&
      new Session(
        tokens,
        (refresh) => renewWithCognito(cognito, refresh),
        () => leaveCognito(cognito),
      )
    );
  }
  const handle = config.sign_in.kind === "local" ? sessionStorage.getItem(HANDLE) : null;
  return handle === null ? null : remembered(handle);
}

/**
 * Be a person of this installation; only where the service has an issuer of its own.
 * @param {string} handle
 */
export async function signInLocally(handle) {
  const session = new Session(await localTokens(handle), () => localTokens(handle), forgetHandle);
  sessionStorage.setItem(HANDLE, handle);
  return session;
}

/** @returns {Promise<{handle: string, display_name: string}[]>} */
export async function localPeople() {
  const answer = await reach("/local/users");
  if (!answer.ok) throw await problemOf(answer);
  return answer.json();
}

/** @param {string} handle */
async function remembered(handle) {
  try {
    return await signInLocally(handle);
  } catch (error) {
    if (error instanceof LineDown) throw error;
    forgetHandle();
    return null;
  }
}

function forgetHandle() {
  sessionStorage.removeItem(HANDLE);
}

/**
 * @param {string} handle
 * @returns {Promise<import("../types.js").Tokens>}
 */
async function localTokens(handle) {
  const headers = { "content-type": "application/json" };
  const answer = await reach("/local/token", { method: "POST", headers, body: JSON.stringify({ handle }) });
  if (!answer.ok) throw await problemOf(answer);
  return answer.json();
}
