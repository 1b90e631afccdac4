/** The session of the signed-in user. Access and refresh tokens are kept in memory only. */

import { fetchJson, Problem, RequestError } from "./api.js";
import { finishSignIn, refreshTokens, signOutOfCognito } from "./cognito.js";

const RENEWAL_MARGIN = 60_000;
const HANDLE_KEY = "cruddur-handle";

/** Hands out access tokens and renews them before they expire, until the user signs out. */
export class Session {
  /** @type {Promise<void> | null} */
  #renewal = null;
  /** @type {string | undefined} */
  #refreshToken;
  #accessToken = "";
  #renewAt = 0;
  #isEnded = false;

  /**
   * @param {import("../types.js").Tokens} tokens
   * @param {(refresh: string | undefined) => Promise<import("../types.js").Tokens>} fetchTokens
   * @param {(refresh: string | undefined) => void | Promise<void>} revoke ends the sign-in where it is kept
   */
  constructor(tokens, fetchTokens, revoke) {
    this.fetchTokens = fetchTokens;
    this.revoke = revoke;
    /** Called when the service or the user pool refuses the user, with the reason. @type {(reason: string) => void} */
    this.onRefused = () => {};
    this.#setTokens(tokens);
  }

  /** @param {import("../types.js").Tokens} tokens */
  #setTokens(tokens) {
    const lifetime = tokens.expires_in * 1000;
    this.#accessToken = tokens.access_token;
    this.#refreshToken = tokens.refresh_token ?? this.#refreshToken;
    this.#renewAt = Date.now() + lifetime - Math.min(RENEWAL_MARGIN, lifetime / 2);
  }

  async getAccessToken() {
    if (this.#isEnded) throw new Problem(401, "signed-out", "You have signed out", 0);
    if (Date.now() >= this.#renewAt) await this.renew();
    return this.#accessToken;
  }

  /** Renew the tokens, once for all concurrent callers. A refusal signs the user out. */
  renew() {
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #renew() {
    try {
      this.#setTokens(await this.fetchTokens(this.#refreshToken));
    } catch (error) {
      if (error instanceof Problem && !(error.status >= 500)) this.onRefused("");
      throw error;
    }
  }

  /** Forget the tokens, and have them revoked. */
  async signOut() {
    const refresh = this.#refreshToken;
    this.#isEnded = true;
    this.#accessToken = "";
    this.#refreshToken = undefined;
    await this.revoke(refresh);
  }
}

/**
 * Return the session to start with: from Cognito's redirect, or of the user chosen before a reload; else null.
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
        (refresh) => refreshTokens(cognito, refresh),
        (refresh) => signOutOfCognito(cognito, refresh),
      )
    );
  }
  const handle = config.sign_in.kind === "local" ? sessionStorage.getItem(HANDLE_KEY) : null;
  return handle === null ? null : restoreLocally(handle);
}

/**
 * Sign in as a user of this installation, where the service issues tokens itself. A new user is registered.
 * @param {string} handle
 * @param {string} [name] the display name of a new user
 */
export async function signInLocally(handle, name) {
  const session = new Session(await localTokens(handle, name), () => localTokens(handle), forgetHandle);
  sessionStorage.setItem(HANDLE_KEY, handle);
  return session;
}

/**
 * @param {string} text searched for in handles and names
 * @returns {Promise<{handle: string, display_name: string}[]>}
 */
export function listLocalUsers(text) {
  return fetchJson(`/local/users?q=${encodeURIComponent(text)}`);
}

/**
 * Sign in again after a reload; null if the user no longer exists.
 * @param {string} handle
 */
async function restoreLocally(handle) {
  try {
    const users = await listLocalUsers(`@${handle}`);
    if (users.some((user) => user.handle === handle)) return await signInLocally(handle);
    forgetHandle();
    return null;
  } catch (error) {
    if (error instanceof RequestError && error.isRetryable) throw error;
    forgetHandle();
    return null;
  }
}

function forgetHandle() {
  sessionStorage.removeItem(HANDLE_KEY);
}

/**
 * @param {string} handle
 * @param {string} [display_name]
 * @returns {Promise<import("../types.js").Tokens>}
 */
function localTokens(handle, display_name) {
  const headers = { "content-type": "application/json" };
  return fetchJson("/local/token", { method: "POST", headers, body: JSON.stringify({ handle, display_name }) });
}
