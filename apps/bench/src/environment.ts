/** The machine, the versions and the commit that a result belongs to. */
import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';
import type { Environment } from './results.ts';

export function describeEnvironment(options: {
  readonly root: string;
  readonly qemu: string | null;
  readonly pinnedTo: number | null;
}): Environment {
  const git = (...args: string[]): string => tryCommand('git', ['-C', options.root, ...args]) ?? '';
  const processors = cpus();
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    commit: git('rev-parse', '--short=12', 'HEAD') || 'unknown',
    hasChanges: git('status', '--porcelain', '--untracked-files=no') !== '',
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryBytes: totalmem(),
    os: `${type()} ${release()}`,
    node: process.version,
    qemu: options.qemu,
    pinnedTo: options.pinnedTo,
  };
}

/** `QEMU emulator version 7.2.22 (...)`, or undefined if it is not installed. */
export function qemuVersion(command: string): string | undefined {
  return tryCommand(command, ['--version'])?.split('\n')[0];
}

export function hasTaskset(): boolean {
  return tryCommand('taskset', ['--version']) !== undefined;
}

/** A command's standard output without the space around it; undefined if it fails. */
function tryCommand(command: string, args: readonly string[]): string | undefined {
  try {
    const stdio = ['ignore', 'pipe', 'ignore'] as const;
    return execFileSync(command, args, { encoding: 'utf8', stdio: [...stdio] }).trim();
  } catch {
    return undefined;
  }
}
