/** Cognito's authorization code grant with PKCE (RFC 7636), by its hosted pages. */

import { Problem, reach } from "./api.js";

const STARTED = "cruddur-sign-in";

/** @typedef {import("../types.js").CognitoSignIn} Cognito */
/** @typedef {import("../types.js").Tokens} Tokens */

/** Signing in did not work out, and the reason that Cognito gave. */
export class SignInFailed extends Error {}

/**
 * Leave for Cognito's page. The state says where to come back to, and that it was this tab that asked.
 * @param {Cognito} cognito
 * @param {string} path
 */
export async function startSignIn(cognito, path) {
  const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
  const state = `${base64url(crypto.getRandomValues(new Uint8Array(16)))}~${path}`;
  sessionStorage.setItem(STARTED, JSON.stringify({ verifier, state }));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const query = new URLSearchParams({
    response_type: "code",
    client_id: cognito.client_id,
    redirect_uri: home(),
    scope: cognito.scope,
    state,
    code_challenge_method: "S256",
    code_challenge: base64url(new Uint8Array(digest)),
  });
  location.assign(`${cognito.authorize_url}?${query}`);
}

/**
 * What Cognito sent back in this page's address, as tokens; null if this page was opened otherwise.
 * @param {Cognito} cognito
 * @returns {Promise<Tokens | null>}
 */
export async function finishSignIn(cognito) {
  const query = new URLSearchParams(location.search);
  const started = JSON.parse(sessionStorage.getItem(STARTED) ?? "null");
  if (!query.has("state") || !started) return null;
  sessionStorage.removeItem(STARTED);
  const isOurs = query.get("state") === started.state;
  const path = isOurs ? started.state.slice(started.state.indexOf("~") + 1) : "/messages";
  history.replaceState(null, "", path);
  if (!isOurs) throw new SignInFailed("This sign-in was not started here");
  const code = query.get("code");
  if (code === null)
    throw new SignInFailed(query.get("error_description") ?? query.get("error") ?? "No code came back");
  return await fetchTokens(cognito, {
    grant_type: "authorization_code",
    code,
    redirect_uri: home(),
    code_verifier: started.verifier,
  });
}

/**
 * @param {Cognito} cognito
 * @param {string | undefined} refresh
 */
export function renewWithCognito(cognito, refresh) {
  if (refresh === undefined) throw new Problem(401, "no-refresh-token", "Please sign in again", 0);
  return fetchTokens(cognito, { grant_type: "refresh_token", refresh_token: refresh });
}

/** @param {Cognito} cognito */
export function leaveCognito(cognito) {
  location.assign(`${cognito.logout_url}?${new URLSearchParams({ client_id: cognito.client_id, logout_uri: home() })}`);
}

/**
 * @param {Cognito} cognito
 * @param {Record<string, string>} grant
 * @returns {Promise<Tokens>}
 */
async function fetchTokens(cognito, grant) {
  const body = new URLSearchParams({ client_id: cognito.client_id, ...grant });
  const answer = await reach(cognito.token_url, { method: "POST", body });
  if (!answer.ok) throw new Problem(answer.status, "sign-in-refused", "Please sign in again", 0);
  return answer.json();
}

function home() {
  return `${location.origin}/`;
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
