/// <reference types="node" />
/**
 * What QEMU's FPU makes of a table: builds test-programs/float, runs it on Debian's
 * qemu-system-riscv64 (board `virt`) and reads the results back. Guest RAM is a file shared with
 * QEMU, so tables cross by plain file access and a run costs QEMU's start and the arithmetic. Test
 * support; needs Node and Debian's tools.
 */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FloatMnemonic } from '../../src/float/define-float.ts';
import { FLAG_BYTES, OPERAND_BYTES, RESULT_BYTES, type TableResults } from './harness.ts';

export interface QemuJob {
  readonly mnemonic: FloatMnemonic;
  /** Records of three operands. */
  readonly operands: BigUint64Array;
}

/** The Debian tools that are missing here, by command. */
export function missingTools(): string[] {
  return [COMPILER, QEMU].filter((tool) => spawnSync(tool, ['--version']).status !== 0);
}

/** Runs all jobs in one QEMU. At most about 2 million records together. */
export function runOnQemu(jobs: readonly QemuJob[]): TableResults[] {
  const directory = mkdtempSync(join(tmpdir(), 'casmotion-float-'));
  try {
    const elf = join(directory, 'float-table.elf');
    buildProgram(elf);
    const ramPath = join(directory, 'ram');
    const ram = openSync(ramPath, 'w+');
    try {
      ftruncateSync(ram, RAM_BYTES);
      const places = writeJobs(ram, jobs);
      boot(elf, ramPath);
      return places.map((place) => readResults(ram, place));
    } finally {
      closeSync(ram);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const COMPILER = 'riscv64-unknown-elf-gcc';
const QEMU = 'qemu-system-riscv64';
const RAM_START = 0x8000_0000;
const RAM_BYTES = 192 * 2 ** 20;
/** As in float-table.c. */
const JOBS_OFFSET = 0x10_0000;
const JOB_BYTES = 48;
const TABLES_OFFSET = 0x20_0000;
const PROGRAM = fileURLToPath(new URL('../../test-programs/float/', import.meta.url));

/** Where a job's tables lie, from the start of RAM. */
interface JobPlace {
  readonly count: number;
  readonly resultsOffset: number;
  readonly flagsOffset: number;
}

function buildProgram(elf: string): void {
  const flags = '-march=rv64imafdc -mabi=lp64 -mcmodel=medany -O2 -Wall -Werror -ffreestanding';
  const linking = ['-nostdlib', '-static', '-Wl,--build-id=none', '-T', join(PROGRAM, 'link.ld')];
  const sources = ['start.S', 'float-table.c'].map((name) => join(PROGRAM, name));
  runTool(COMPILER, [...flags.split(' '), ...linking, ...sources, '-o', elf]);
}

function writeJobs(ram: number, jobs: readonly QemuJob[]): JobPlace[] {
  const headers = new DataView(new ArrayBuffer(JOB_BYTES * (jobs.length + 1)));
  let offset = TABLES_OFFSET;
  const allocate = (bytes: number): number => {
    const start = offset;
    offset = Math.ceil((offset + bytes) / 64) * 64;
    return start;
  };
  const places = jobs.map(({ mnemonic, operands }, i) => {
    const count = operands.length / 3;
    const operandsOffset = allocate(count * OPERAND_BYTES);
    const resultsOffset = allocate(count * RESULT_BYTES);
    const flagsOffset = allocate(count * FLAG_BYTES);
    if (offset > RAM_BYTES) {
      throw new Error(`the tables need more than ${RAM_BYTES} bytes of guest RAM`);
    }
    writeSync(ram, asBytes(operands), 0, operands.byteLength, operandsOffset);
    for (let k = 0; k < mnemonic.length; k++) {
      headers.setUint8(i * JOB_BYTES + k, mnemonic.charCodeAt(k));
    }
    const words = [
      count,
      ...[operandsOffset, resultsOffset, flagsOffset].map((at) => RAM_START + at),
    ];
    words.forEach((word, k) =>
      headers.setBigUint64(i * JOB_BYTES + 16 + 8 * k, BigInt(word), true),
    );
    return { count, resultsOffset, flagsOffset };
  });
  if (headers.byteLength > TABLES_OFFSET - JOBS_OFFSET) throw new Error('too many jobs');
  writeSync(ram, headers, 0, headers.byteLength, JOBS_OFFSET);
  return places;
}

function boot(elf: string, ramPath: string): void {
  const memory = `memory-backend-file,id=ram,share=on,size=${RAM_BYTES},mem-path=${ramPath}`;
  const board = ['-machine', 'virt,memory-backend=ram', '-m', `${RAM_BYTES / 2 ** 20}M`];
  runTool(QEMU, [...board, '-object', memory, '-display', 'none', '-bios', 'none', '-kernel', elf]);
}

function readResults(ram: number, place: JobPlace): TableResults {
  const results = new BigUint64Array(place.count * 5);
  const flags = new Uint8Array(place.count * 5);
  readSync(ram, asBytes(results), 0, results.byteLength, place.resultsOffset);
  readSync(ram, flags, 0, flags.byteLength, place.flagsOffset);
  return { results, flags };
}

function asBytes(words: BigUint64Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

function runTool(tool: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(tool, args, { encoding: 'utf8', timeout: 600_000 });
  if (status !== 0) throw new Error(`${tool} ended with ${status ?? error}: ${stderr}`);
}
