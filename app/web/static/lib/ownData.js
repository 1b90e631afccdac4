/** The user's own data: an export as a file, and the deletion of the user. */

import { errorText, NetworkError, Problem } from "./api.js";

const FILE_NAME = "cruddur-export.jsonl";
/** Bytes that the last line of an export does not exceed. */
const LAST_LINE = 4096;

/**
 * Download the export and save it as a file. It takes as long as it takes; the signal ends it.
 * @param {import("./api.js").Api} api
 * @param {AbortSignal} signal
 */
export async function downloadExport(api, signal) {
  const response = await api.authorizedFetch("/api/users/me/export", { headers: {} }, () => signal);
  if (!response.ok) throw await api.problemFrom(response);
  const file = await read(response);
  requireEnd(await file.slice(-LAST_LINE).text());
  save(file);
}

/** @param {Response} response */
async function read(response) {
  try {
    return await response.blob();
  } catch (error) {
    throw new NetworkError("The export did not arrive whole", { cause: error });
  }
}

/**
 * Throw the problem that has ended an export, or that it was cut off.
 * @param {string} tail its last characters
 */
export function requireEnd(tail) {
  const line = tail.endsWith("\n") ? tail.trimEnd().split("\n").at(-1) : "";
  const last = parse(line ?? "");
  if (last.type === "end") return;
  if (last.type === "problem") throw new Problem(last.status, last.code, last.detail, 0);
  throw new NetworkError("The export did not arrive whole");
}

/** @param {string} line */
function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}

/** @param {Blob} file */
function save(file) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = FILE_NAME;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * Delete the user for good. An account that is deleted already is a success: the first answer may have been lost.
 * @param {import("./api.js").Api} api
 * @param {string} handle
 * @returns {Promise<string>} why it was not done, else empty
 */
export async function deleteUser(api, handle) {
  try {
    await api.request("DELETE", `/api/users/me?handle=${encodeURIComponent(handle)}`);
  } catch (error) {
    if (!(error instanceof Problem && error.code === "account-erased")) return errorText(error);
  }
  return "";
}
