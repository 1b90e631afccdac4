/** The offer of desktop notifications, after the first message that the user has sent. */

import { useMessenger, useMessengerState } from "../lib/hooks.js";
import { html } from "../vendor/htm-preact.js";

export function NotificationOffer() {
  const { notifications } = useMessenger();
  const { offersNotifications } = useMessengerState();
  if (!offersNotifications) return null;
  return html`
    <p class="offer" role="note">
      <span>Be notified of answers while this page is in the background?</span>
      <button class="link" onClick=${() => void notifications.enable()}>Notify me</button>
      <button class="link" onClick=${() => notifications.disable()}>No</button>
    </p>
  `;
}
