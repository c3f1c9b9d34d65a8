/** Signals that end a session: the first one in order, the third one at once. */
import { say } from "./output.js";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;
/** Signals after which the program leaves without finishing; what it traces is unharmed all the same. */
const PATIENCE = 3;
const INTERRUPTED_STATUS = 1;

/** Resolves at the first signal; from now on signals do not end the program by themselves. */
export function firstInterrupt(): Promise<void> {
  let seen = 0;
  return new Promise((resolve) => {
    for (const name of SIGNALS) {
      process.on(name, () => {
        seen++;
        resolve();
        if (seen < PATIENCE) return;
        say("Too many interrupts received, exiting.");
        process.exit(INTERRUPTED_STATUS);
      });
    }
  });
}
