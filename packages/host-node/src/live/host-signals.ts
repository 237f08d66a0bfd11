/** Signals that ask a program to end: they end the machine instead, and its log is closed whole. */

/** Calls `onSignal` for each of them until the function returned is called. */
export function catchSignals(onSignal: (name: NodeJS.Signals) => void): () => void {
  for (const name of ENDING_SIGNALS) process.on(name, onSignal);
  return () => {
    for (const name of ENDING_SIGNALS) process.removeListener(name, onSignal);
  };
}

/** Ctrl-C, kill, a closed terminal. */
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
