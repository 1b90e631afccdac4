/** Icons as inline SVG, which needs no further request. */

import { html } from "../vendor/htm-preact.js";

/** @type {Record<string, string>} */
const PATHS = {
  archive: "M4 8h16v12H4zM3 4h18v4H3zM10 12h4",
  back: "M15 5l-7 7 7 7",
  bell: "M6 17V11a6 6 0 0 1 12 0v6l1.5 1.5h-15zM10 21h4",
  muted: "M6 17V11c0-1 .3-2 .7-2.8M10 5.3A6 6 0 0 1 18 11v4M15.5 18.5H4.5L6 17M10 21h4M4 4l16 16",
  pin: "M9 4h6l-1 6 3.5 3.5h-11L10 10zM12 13.5V20",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  down: "M12 5v14M5.5 12.5L12 19l6.5-6.5",
  download: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14",
  flag: "M6 21V4M6 4.5h11l-2.5 4 2.5 4H6",
  history: "M4.5 12a7.5 7.5 0 1 0 2.2-5.3M4.5 4v4.5H9M12 8v4.5l3 1.8",
  info: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 11v5.5M12 7.5v.01",
  crown: "M4 8l4.2 4L12 5.5l3.8 6.5L20 8l-1.5 10.5h-13z",
  shield: "M12 3.5l7 2.8v5.2c0 4.3-2.9 7.4-7 9-4.1-1.6-7-4.7-7-9V6.3z",
  people:
    "M9 4.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM2.5 19.5c0-3.3 2.9-5 6.5-5s6.5 1.7 6.5 5M16 5a3.2 3.2 0 0 1 0 6.2M18 14.8c2.2.6 3.5 2.2 3.5 4.7",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1",
  moon: "M20 14.5A8 8 0 0 1 9.5 4a8 8 0 1 0 10.5 10.5z",
  mail: "M3.5 6h17v12.5h-17zM4 6.5l8 6.5 8-6.5",
  more: "M5.5 12v.01M12 12v.01M18.5 12v.01",
  pencil: "M4 20h4L19 9a2.1 2.1 0 0 0-4-4L4 16zM13.5 6.5l4 4",
  plus: "M12 5v14M5 12h14",
  reply: "M10 7L4 12.5 10 18M4.5 12.5H14a6 6 0 0 1 6 6",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l4.5 4.5",
  send: "M12 19V5M5.5 11.5L12 5l6.5 6.5",
  sliders:
    "M4 7h9M17.5 7H20M4 17h2.5M11 17h9M15.2 4.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4zM8.8 14.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4z",
  smile: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM8.5 14a4.2 4.2 0 0 0 7 0M9 9.5v.01M15 9.5v.01",
  trash: "M4.5 7h15M9.5 7V4h5v3M6.5 7l1 13h9l1-13M10 11v5M14 11v5",
  signOut: "M14 4h4a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2h-4M10 8l-4 4 4 4M6.5 12H15",
  code: "M9 8l-4 4 4 4M15 8l4 4-4 4",
  checks: "M2 12.5l4.5 4.5L15.5 7.5M11 16l1.5 1 9-9.5",
  clock: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 7.5V12l3 2",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6z",
  unread: "M4 6h11M4 12h8M4 18h16M19.5 6.5a2 2 0 1 0 0-.01z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  retry: "M19.5 12a7.5 7.5 0 1 1-2.2-5.3M19.5 4v4.5H15",
  alert: "M12 8v5M12 16.5v.01M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z",
};

/** @param {{name: string}} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d=${PATHS[name]} />
  </svg>`;
}

/** The logo: two speech bubbles. */
export function Logo() {
  return html`
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path
        class="logo-back"
        d="M12 3h12a6 6 0 0 1 6 6v5a6 6 0 0 1-6 6h-.5v4.2c0 .8-.9 1.2-1.5.7L16.5 20H12a6 6 0 0 1-6-6V9a6 6 0 0 1 6-6z"
      />
      <path
        class="logo-front"
        d="M8 10h10a6 6 0 0 1 6 6v3a6 6 0 0 1-6 6h-3.5l-4.8 4.2c-.6.5-1.5.1-1.5-.7V25H8a6 6 0 0 1-6-6v-3a6 6 0 0 1 6-6z"
      />
    </svg>
  `;
}
