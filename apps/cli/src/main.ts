#!/usr/bin/env node
/** The program: its arguments, streams and exit code are the process's. */
import { runCli } from './run-cli.ts';

process.exitCode = await runCli(process.argv.slice(2), process);
