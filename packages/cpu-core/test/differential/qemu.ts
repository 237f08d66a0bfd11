/// <reference types="node" />
/**
 * The reference: Debian's qemu-system-riscv64 on the same guest memory. RAM is a file shared with
 * QEMU, so programs go in and results come out by plain file access. Test support; needs Node.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const QEMU = 'qemu-system-riscv64';

/** A hart of our extensions and no others. */
const CPU = 'rv64,h=off,zba=off,zbb=off,zbc=off,zbs=off';
const TIMEOUT_MS = 120_000;

/** Boots from the start of `ram`, in M-mode, until the guest ends; the RAM after. */
export function runOnQemu(ram: Uint8Array): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), 'casmotion-fuzz-'));
  try {
    const path = join(directory, 'ram');
    writeFileSync(path, ram);
    const memory = `memory-backend-file,id=ram,share=on,size=${ram.length},mem-path=${path}`;
    const options = ['-machine', 'virt,memory-backend=ram', '-m', `${ram.length / 2 ** 20}M`];
    const quiet = ['-display', 'none', '-serial', 'none', '-monitor', 'none'];
    const args = [...options, '-cpu', CPU, '-object', memory, '-bios', 'none', ...quiet];
    const { status, stderr, error } = spawnSync(QEMU, args, {
      encoding: 'utf8',
      timeout: TIMEOUT_MS,
    });
    if (status !== 0) throw new Error(`${QEMU} ended with ${status ?? error}: ${stderr}`);
    return readFileSync(path);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
