/** The ticks of an own message: a clock until it is sent, one tick then, two once it is delivered, coloured once read. */

import { html } from "../vendor/htm-preact.js";
import { Icon } from "./Icon.js";

/** @typedef {"sent" | "delivered" | "read"} ReceiptKind */

/** @type {Record<ReceiptKind, {name: string, icon: string}>} */
const RECEIPTS = {
  sent: { name: "Sent", icon: "check" },
  delivered: { name: "Delivered", icon: "checks" },
  read: { name: "Read", icon: "checks" },
};

/** @param {{kind: ReceiptKind}} props */
export function Receipt({ kind }) {
  const { name, icon } = RECEIPTS[kind];
  return html`<span class="receipt is-${kind}" title=${name}><${Icon} name=${icon} /><i class="hidden">${name}</i></span>`;
}
