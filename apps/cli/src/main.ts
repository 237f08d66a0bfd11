/**
 * The program: its arguments, streams and exit code are the process's. A thread of it is a domain.
 * Built as one script, which launch/casmotion.ts starts.
 */
import { isLabWorker, runLabWorker } from '@casmotion/host-node';
import { runCli } from './run-cli.ts';

async function main(): Promise<void> {
  if (isLabWorker()) await runLabWorker();
  else process.exitCode = await runCli(process.argv.slice(2), process);
}

export const done = main();
