/** Delays between attempts: they grow with each failure, have jitter, and can be cut short. */

import { Problem, RequestError } from "./api.js";

const FIRST_DELAY = 500;
const MAX_DELAY = 15_000;
const GROWTH = 1.5;

export class Backoff {
  /** Milliseconds; a server may ask for another first delay. */
  firstDelay = FIRST_DELAY;
  /** Whether work is repeated no more. */
  isStopped = false;
  #failures = 0;
  /** @type {() => void} */
  #wake = () => {};

  /** Begin with the first delay again. */
  reset() {
    this.#failures = 0;
  }

  /**
   * Wait before the next attempt. Half of the delay is random, so that clients do not come back at the same moment.
   * @param {number} [atLeast] milliseconds
   */
  async wait(atLeast = 0) {
    const delay = Math.min(MAX_DELAY, this.firstDelay * GROWTH ** this.#failures++);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(atLeast, delay * (0.5 + Math.random() / 2)));
      this.#wake = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
    });
  }

  /**
   * Return what the work returns. Repeat it until the end, as long as it fails for a reason that may pass.
   * @template T
   * @param {() => Promise<T>} work
   * @param {(error: RequestError) => void} [onFailure] called before each wait; what it raises ends the repetitions
   */
  async repeat(work, onFailure) {
    for (;;) {
      try {
        const result = await work();
        this.reset();
        return result;
      } catch (error) {
        if (this.isStopped || !mayPass(error)) throw error;
        onFailure?.(error);
        await this.wait(error.retryAfter * 1000);
        if (this.isStopped) throw error;
      }
    }
  }

  /** End the wait in progress, if there is one. */
  retryNow() {
    this.#wake();
  }

  /** Repeat no work any more: what fails has failed. */
  stop() {
    this.isStopped = true;
    this.#wake();
  }
}

/**
 * Return whether the same request may succeed later. A token that is refused after it was renewed will be again.
 * @param {unknown} error
 * @returns {error is RequestError}
 */
function mayPass(error) {
  return error instanceof RequestError && error.isRetryable && !(error instanceof Problem && error.status === 401);
}
