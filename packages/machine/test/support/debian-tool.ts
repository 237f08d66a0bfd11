/// <reference types="node" />
/**
 * Tests that need a program of Debian: skipped by name where it is absent, failed where CI lacks
 * it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { it } from 'vitest';

/** `it`, if `tool` runs here or the run is CI's; else `it.skip`. */
export function itWithTool(tool: string): typeof it | typeof it.skip {
  const isThere = spawnSync(tool, ['--version']).error === undefined;
  return isThere || process.env['CI'] ? it : it.skip;
}

/** `it`, if `file` of a Debian package is here or the run is CI's; else `it.skip`. */
export function itWithFile(file: string): typeof it | typeof it.skip {
  return existsSync(file) || process.env['CI'] ? it : it.skip;
}

/** A file of a Debian package. */
export function readDebianFile(file: string): Uint8Array {
  return new Uint8Array(readFileSync(file));
}

/** Runs the tool on `input`; gives its standard output. Throws if it fails. */
export function runTool(tool: string, args: readonly string[], input: Uint8Array): string {
  const { status, stdout, stderr, error } = spawnSync(tool, args, { input, maxBuffer: 1 << 24 });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${tool} ${args.join(' ')}: ${status}: ${stderr.toString()}`);
  return stdout.toString();
}
