#!/usr/bin/env node
/** Starts the program that is beside it; also as the first module of a thread. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ProgramScript } from './program-script.ts';

const folder = dirname(fileURLToPath(import.meta.url));
// Awaited, so that a program which waits for nothing any more does not pass for one that is done.
await new ProgramScript(folder, { usesCache: true }).run(import.meta.url).done;
