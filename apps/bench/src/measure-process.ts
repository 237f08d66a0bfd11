/**
 * Runs one fresh process and measures it from outside, whatever it is: wall time by this process's
 * clock, processor time by the shell that starts it (`times`, POSIX), memory by looking at /proc
 * while it runs.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

export interface ProcessRequest {
  readonly command: string;
  readonly args: readonly string[];
  /** Core to pin to, by taskset. */
  readonly core: number | null;
  readonly stdoutPath: string;
  readonly stderrPath: string;
  /** Gets what the shell says of processor time. */
  readonly timesPath: string;
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
}

export interface ProcessResult {
  readonly wallSeconds: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
  readonly maxRssBytes: number | null;
  readonly exitCode: number;
  readonly hasTimedOut: boolean;
}

/** Ends when the process has ended, by itself, by the time-out or by `signal`. */
export async function measureProcess(request: ProcessRequest): Promise<ProcessResult> {
  const stdout = openSync(request.stdoutPath, 'w');
  const stderr = openSync(request.stderrPath, 'w');
  const pin = request.core === null ? [] : ['taskset', '-c', String(request.core)];
  const command = [...pin, request.command, ...request.args];
  try {
    const start = process.hrtime.bigint();
    // A group of its own, so that a time-out ends what the shell has started as well.
    const child = spawn(SHELL, ['-c', SHELL_SCRIPT, SHELL, request.timesPath, ...command], {
      stdio: ['ignore', stdout, stderr],
      detached: true,
    });
    const watch = watchMemory(child);
    const end = await waitFor(child, request);
    const wallSeconds = Number(process.hrtime.bigint() - start) / 1e9;
    const maxRssBytes = watch();
    return { wallSeconds, maxRssBytes, ...end, ...readTimes(request.timesPath) };
  } finally {
    closeSync(stdout);
    closeSync(stderr);
  }
}

function waitFor(
  child: ChildProcess,
  { timeoutSeconds, signal }: ProcessRequest,
): Promise<{ exitCode: number; hasTimedOut: boolean }> {
  return new Promise((resolve, reject) => {
    let hasTimedOut = false;
    const kill = (): void => {
      if (child.pid === undefined || child.exitCode !== null) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has just ended.
      }
    };
    const timer = setTimeout(() => {
      hasTimedOut = true;
      kill();
    }, timeoutSeconds * 1000);
    signal.addEventListener('abort', kill);
    const release = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', kill);
    };
    child.on('error', (error) => {
      release();
      reject(error);
    });
    child.on('exit', (code) => {
      release();
      resolve({ exitCode: code ?? KILLED, hasTimedOut });
    });
    if (signal.aborted) kill();
  });
}

/** The high-water mark of the shell's child, as far as it was seen; call the result to stop. */
function watchMemory({ pid }: ChildProcess): () => number | null {
  let most: number | null = null;
  const look = (): void => {
    try {
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
      const status = readFileSync(`/proc/${children.trim().split(' ')[0]}/status`, 'utf8');
      const kibibytes = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? NaN);
      if (kibibytes > 0) most = Math.max(most ?? 0, kibibytes * 1024);
    } catch {
      // No /proc here, or the process has just ended.
    }
  };
  const timer = setInterval(look, MEMORY_POLL_MILLISECONDS);
  return () => {
    clearInterval(timer);
    return most;
  };
}

function readTimes(path: string): { userSeconds: number; systemSeconds: number } {
  try {
    return parseTimes(readFileSync(path, 'utf8'));
  } catch {
    return { userSeconds: NaN, systemSeconds: NaN }; // Killed before it could say.
  }
}

/** The second line of `times`: the shell's children, user and system, such as `0m1.25s 0m0.10s`. */
export function parseTimes(text: string): { userSeconds: number; systemSeconds: number } {
  const [, line = ''] = text.split('\n');
  const [userSeconds = NaN, systemSeconds = NaN] = [...line.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
  );
  return { userSeconds, systemSeconds };
}

/** bash tells milliseconds, others hundredths. */
const SHELL = spawnSync('bash', ['-c', 'exit 0']).status === 0 ? 'bash' : 'sh';
const SHELL_SCRIPT = 'times_file=$1; shift; "$@"; status=$?; times > "$times_file"; exit $status';
const MEMORY_POLL_MILLISECONDS = 20;
const KILLED = 137;
