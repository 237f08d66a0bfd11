/**
 * Child processes: started without a shell, ended with the caller's signal, their failures in plain
 * words.
 */
import { spawn } from 'node:child_process';
import { VmError } from '@casmotion/base';

export interface CommandOptions {
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Ends the child; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a program to its end and gives its standard output.
 * Throws {@link MissingToolError} if it is not installed and {@link CommandFailedError}, with the
 * last lines that it wrote to standard error, if it ends with anything but 0.
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  options.signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      // The tools' messages and lists are read here: no translation of them.
      env: { ...process.env, LC_ALL: 'C', ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: Ctrl-C at the terminal reaches it through `signal` only, and its
      // helpers with it.
      detached: true,
    });
    const output: Uint8Array[] = [];
    let errors = '';
    const stop = (): void => endGroup(child.pid);
    options.signal?.addEventListener('abort', stop, { once: true });
    child.stdout.on('data', (bytes: Uint8Array) => output.push(bytes));
    child.stderr.on('data', (bytes: Uint8Array) => {
      errors = (errors + String(bytes)).slice(-ERROR_TAIL_CHARACTERS);
    });
    child.on('error', (cause: NodeJS.ErrnoException) => {
      options.signal?.removeEventListener('abort', stop);
      reject(cause.code === 'ENOENT' ? new MissingToolError(program, cause) : cause);
    });
    child.on('close', (code, signalName) => {
      options.signal?.removeEventListener('abort', stop);
      if (options.signal?.aborted === true) reject(options.signal.reason as Error);
      else if (code === 0) resolve(joinBytes(output));
      else reject(new CommandFailedError([program, ...args].join(' '), code ?? signalName, errors));
    });
  });
}

/** apt starts its download methods as children of its own: they must end with it. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    // Already ended: nothing is left to end.
  }
}

function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

const ERROR_TAIL_CHARACTERS = 2000;

/** A program that this machine does not have. */
export class MissingToolError extends VmError {
  override readonly name = 'MissingToolError';
  constructor(program: string, cause: unknown) {
    super(`${program} is not installed`, {
      next: `run this on Debian, where ${program} is part of the base system`,
      cause,
    });
  }
}

/** A program ended with an error. */
export class CommandFailedError extends VmError {
  override readonly name = 'CommandFailedError';
  constructor(command: string, status: number | string | null, errors: string) {
    super(`${command} ended with ${status}`, { found: errors.trim() || 'no message' });
  }
}
