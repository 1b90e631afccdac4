/** UUIDs of version 7 (RFC 9562), which sort by the time of their creation. */

let last = 0;

/** @returns {string} */
export function uuid7() {
  last = Math.max(Date.now(), last + 1); // strictly increasing, because the outbox sorts by it
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let rest = last;
  for (let index = 5; index >= 0; index--) {
    bytes[index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
