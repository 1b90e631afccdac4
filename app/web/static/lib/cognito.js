/** Sign-in with Cognito's hosted pages: the authorization code grant with PKCE (RFC 7636). */

import { fetchWithTimeout, Problem, readJson } from "./api.js";
import { addressOf } from "./base.js";

const ATTEMPT_KEY = "cruddur-sign-in";
const REVOKE_TIMEOUT = 3_000;

/** @typedef {import("../types.js").CognitoSignIn} Cognito */
/** @typedef {import("../types.js").Tokens} Tokens */

/** Sign-in failed, for the reason in the message. */
export class SignInFailed extends Error {}

/**
 * Go to Cognito's page. The state says to which path to return, and proves that this tab started the sign-in.
 * @param {Cognito} cognito
 * @param {string} path
 */
export async function startSignIn(cognito, path) {
  const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
  const state = `${base64url(crypto.getRandomValues(new Uint8Array(16)))}~${path}`;
  sessionStorage.setItem(ATTEMPT_KEY, JSON.stringify({ verifier, state }));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const query = new URLSearchParams({
    response_type: "code",
    client_id: cognito.client_id,
    redirect_uri: redirectUri(),
    scope: cognito.scope,
    state,
    code_challenge_method: "S256",
    code_challenge: base64url(new Uint8Array(digest)),
  });
  location.assign(`${cognito.authorize_url}?${query}`);
}

/**
 * Exchange the code in this page's address for tokens; return null if the address has none.
 * @param {Cognito} cognito
 * @returns {Promise<Tokens | null>}
 */
export async function finishSignIn(cognito) {
  const query = new URLSearchParams(location.search);
  const attempt = JSON.parse(sessionStorage.getItem(ATTEMPT_KEY) ?? "null");
  if (!query.has("state") || !attempt) return null;
  sessionStorage.removeItem(ATTEMPT_KEY);
  const isOwnState = query.get("state") === attempt.state;
  const path = isOwnState ? attempt.state.slice(attempt.state.indexOf("~") + 1) : addressOf("/messages");
  history.replaceState(null, "", path);
  if (!isOwnState) throw new SignInFailed("This sign-in was not started in this tab: sign in again");
  const code = query.get("code");
  if (code === null)
    throw new SignInFailed(
      query.get("error_description") ?? query.get("error") ?? "Cognito returned no code: sign in again",
    );
  return await fetchTokens(cognito, {
    grant_type: "authorization_code",
    code,
    redirect_uri: redirectUri(),
    code_verifier: attempt.verifier,
  });
}

/**
 * @param {Cognito} cognito
 * @param {string | undefined} refresh
 */
export function refreshTokens(cognito, refresh) {
  if (refresh === undefined) throw new Problem(401, "no-refresh-token", "Please sign in again", 0);
  return fetchTokens(cognito, { grant_type: "refresh_token", refresh_token: refresh });
}

/**
 * Revoke the refresh token and end the session of Cognito's pages. Without an answer the page goes on: it has no token
 * any more. The answer cannot be read from another origin.
 * @param {Cognito} cognito
 * @param {string | undefined} refresh
 */
export async function signOutOfCognito(cognito, refresh) {
  sessionStorage.removeItem(ATTEMPT_KEY);
  if (refresh !== undefined) {
    const body = new URLSearchParams({ token: refresh, client_id: cognito.client_id });
    const signal = AbortSignal.timeout(REVOKE_TIMEOUT);
    await fetch(cognito.revoke_url, { method: "POST", body, mode: "no-cors", keepalive: true, signal }).catch(() => {});
  }
  location.assign(
    `${cognito.logout_url}?${new URLSearchParams({ client_id: cognito.client_id, logout_uri: redirectUri() })}`,
  );
}

/**
 * @param {Cognito} cognito
 * @param {Record<string, string>} grant
 * @returns {Promise<Tokens>}
 */
async function fetchTokens(cognito, grant) {
  const body = new URLSearchParams({ client_id: cognito.client_id, ...grant });
  const response = await fetchWithTimeout(cognito.token_url, { method: "POST", body });
  if (!response.ok) throw new Problem(response.status, "sign-in-refused", "Please sign in again", 0);
  return readJson(response);
}

function redirectUri() {
  return location.origin + addressOf("/");
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
