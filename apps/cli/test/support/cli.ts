/** Runs the command line for tests: in this process, or built and started like a user would. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { JsonResult } from '../../src/result.ts';
import { runCli } from '../../src/run-cli.ts';

export interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** In this process, on no terminal, with `input` typed and then the end of input. */
export async function cli(args: readonly string[], input = ''): Promise<Ran> {
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  const into = (parts: Buffer[]) => ({
    write: (data: string | Uint8Array) => void parts.push(Buffer.from(data as Uint8Array)),
  });
  const stdin = new PassThrough();
  stdin.end(input);
  const exit = await runCli(args, { stdout: into(stdout), stderr: into(stderr), stdin, env: {} });
  return { exit, stdout: text(stdout), stderr: text(stderr) };
}

/** The object of `--json`, which must be all there is on standard output. */
export async function cliJson(args: readonly string[], input = ''): Promise<Json> {
  return parseResult(await cli([...args, '--json'], input));
}

export type Json = JsonResult & { readonly [field: string]: unknown };

export function parseResult({ stdout }: Ran): Json {
  const lines = stdout.trimEnd().split('\n');
  if (lines.length !== 1) throw new Error(`${lines.length} lines on standard output: ${stdout}`);
  return JSON.parse(lines[0] ?? '') as Json;
}

/** Builds the program into a folder of its own; gives its path. */
export function buildProgram(): string {
  const folder = mkdtempSync(join(tmpdir(), 'casmotion-program-'));
  const tsup = join(PACKAGE, '..', '..', 'node_modules', 'tsup', 'dist', 'cli-default.js');
  execFileSync(process.execPath, [tsup, '--out-dir', folder, '--silent'], { cwd: PACKAGE });
  return join(folder, 'casmotion.js');
}

/** A started program: look at it, signal it, wait for it. */
export class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran & { readonly signal: NodeJS.Signals | null }>;
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];

  constructor(command: readonly string[]) {
    const [file = '', ...args] = command;
    this.child = spawn(file, args, { stdio: 'pipe' });
    this.child.stdout?.on('data', (data: Buffer) => this.#stdout.push(data));
    this.child.stderr?.on('data', (data: Buffer) => this.#stderr.push(data));
    this.ended = new Promise((resolve) => {
      this.child.on('close', (code, signal) => {
        resolve({ exit: code ?? -1, signal, stdout: this.stdout, stderr: text(this.#stderr) });
      });
    });
  }

  get stdout(): string {
    return text(this.#stdout);
  }

  get stderr(): string {
    return text(this.#stderr);
  }

  type(input: string): void {
    this.child.stdin?.write(input);
  }

  /** Waits until standard output, or another stream, holds this. */
  async until(wanted: string, stream: 'stdout' | 'stderr' = 'stdout'): Promise<void> {
    for (let tries = 0; !this[stream].includes(wanted); tries++) {
      if (tries > 600) throw new Error(`no "${wanted}" in: ${this[stream]}`);
      await pause(50);
    }
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

function text(parts: readonly Buffer[]): string {
  return Buffer.concat(parts).toString('utf8');
}

const PACKAGE = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
