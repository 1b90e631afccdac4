/** What the user does with the messages of a conversation. */

import { useMessenger } from "../lib/hooks.js";

/** @typedef {import("../types.js").Message} Message */

/**
 * @typedef {object} Actions
 * @property {(message: Message) => void} onReply
 * @property {(message: Message, emoji: string) => void} onReact
 * @property {(uuid: string) => void} onDiscard
 */

/**
 * Return the actions.
 * @param {(message: Message) => void} onReply
 * @returns {Actions}
 */
export function useMessageActions(onReply) {
  const messenger = useMessenger();
  return {
    onReply,
    onReact: (message, emoji) => {
      const isOwn = message.reactions.some((each) => each.me && each.emoji === emoji);
      messenger.outbox.change(message, isOwn ? "unreact" : "react", { emoji });
    },
    onDiscard: (uuid) => messenger.outbox.discard(uuid),
  };
}
