#!/usr/bin/env node
/**
 * The program: its arguments, streams and exit code are the process's. A thread of it is a domain.
 */
import { isLabWorker, runLabWorker } from '@casmotion/host-node';
import { runCli } from './run-cli.ts';

if (isLabWorker()) await runLabWorker();
else process.exitCode = await runCli(process.argv.slice(2), process);
