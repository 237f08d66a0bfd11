#!/usr/bin/env node
/** Starts the program that is beside it; also as the first module of a thread. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ProgramScript } from './program-script.ts';

const folder = dirname(fileURLToPath(import.meta.url));
new ProgramScript(folder, { usesCache: true }).run(import.meta.url);
