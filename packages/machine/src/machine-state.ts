/**
 * The machine's state as bytes and pages. What stands here is all there is: a machine restored from
 * it cannot be told from the one that was saved. Equal states give equal bytes; landmarks digest
 * them.
 *
 * Layout of `state`: version, waiting, halt; the core; the devices. RAM and the disks' overlays are
 * pages.
 */
import { ByteReader, ByteWriter, MalformedError } from '@casmotion/base';
import type { CoreInterface } from '@casmotion/cpu-core';
import { OVERLAY_PAGE_BYTES, type OverlayStore } from '@casmotion/devices';
import type { Board } from './board/board.ts';
import { PAGE_SIZE_BYTES, RAM_BASE } from './board/memory-map.ts';
import { DISK_PAGES_START, diskPageNumber, type HaltResult } from './machine-interface.ts';

/** The machine's own part of the state. */
export interface OwnState {
  readonly isWaiting: boolean;
  readonly halt: HaltResult | undefined;
}

export function writeMachineState(
  writer: ByteWriter,
  own: OwnState,
  core: CoreInterface,
  board: Board,
): void {
  writer.u8(STATE_VERSION).u8(own.isWaiting ? 1 : 0);
  writer.u8(own.halt === undefined ? 0 : 1 + HALT_CAUSES.indexOf(own.halt.cause));
  if (own.halt?.cause === 'failure') writer.u32(own.halt.code);
  core.snapshot(writer);
  board.snapshot(writer);
}

/** Restores core and board and gives the machine's own part. Throws `MalformedError`. */
export function readMachineState(reader: ByteReader, core: CoreInterface, board: Board): OwnState {
  const version = reader.u8();
  if (version !== STATE_VERSION) throw new MalformedError(`machine state of version ${version}`, 0);
  const waiting = reader.u8();
  const haltKind = reader.u8();
  const cause = HALT_CAUSES[haltKind - 1];
  if (waiting > 1 || (haltKind > 0 && cause === undefined))
    throw new MalformedError('bad machine state', 1);
  const halt = cause === undefined ? undefined : readHalt(cause, reader);
  core.restore(reader);
  board.restore(reader);
  if (reader.remaining > 0)
    throw new MalformedError('more state than the machine has', reader.fileOffset);
  return { isWaiting: waiting === 1, halt };
}

/** RAM's pages that are not all zero, and the pages in the disks' overlays: copies. */
export function snapshotPages(
  core: CoreInterface,
  disks: readonly OverlayStore[],
): Map<number, Uint8Array> {
  const pages = new Map<number, Uint8Array>();
  const ram = core.ram;
  for (const page of nonZeroPages(core)) {
    pages.set(page, ram.slice(page * PAGE_SIZE_BYTES, (page + 1) * PAGE_SIZE_BYTES));
  }
  disks.forEach((disk, index) => {
    for (const page of [...disk.pages.keys()].sort((a, b) => a - b)) {
      pages.set(
        diskPageNumber(index, page),
        disk.pages.get(page)?.slice() ?? new Uint8Array(OVERLAY_PAGE_BYTES),
      );
    }
  });
  return pages;
}

/** The pages of RAM that are not all zero, whatever dirty tracking says, in order. */
function* nonZeroPages(core: CoreInterface): Generator<number> {
  const end = core.ram.length / PAGE_SIZE_BYTES;
  for (let page = core.nextNonZeroPage(0, end); page < end; ) {
    yield page;
    page = core.nextNonZeroPage(page + 1, end);
  }
}

/** Makes RAM and overlays what the pages say, zero and untouched where they say nothing. */
export function restorePages(
  core: CoreInterface,
  disks: readonly OverlayStore[],
  pages: ReadonlyMap<number, Uint8Array>,
): void {
  const ram = core.ram;
  for (const [page, bytes] of pages) {
    const limit =
      page < DISK_PAGES_START
        ? ram.length / PAGE_SIZE_BYTES
        : DISK_PAGES_START * (disks.length + 1);
    if (page >= limit || bytes.length !== PAGE_SIZE_BYTES)
      throw new MalformedError(`bad page ${page}`, 0);
  }
  for (let page = 0; page < ram.length / PAGE_SIZE_BYTES; page++) {
    const bytes = pages.get(page);
    if (bytes === undefined && !core.wasEverWritten(page)) continue;
    const start = page * PAGE_SIZE_BYTES;
    if (bytes === undefined) ram.fill(0, start, start + PAGE_SIZE_BYTES);
    else ram.set(bytes, start);
    core.noteRamWrite(RAM_BASE + start, PAGE_SIZE_BYTES);
  }
  disks.forEach((disk, index) => restoreOverlay(disk, index, pages));
}

/** Through the store's own format, which checks what it reads. */
function restoreOverlay(
  disk: OverlayStore,
  index: number,
  pages: ReadonlyMap<number, Uint8Array>,
): void {
  const first = diskPageNumber(index, 0);
  const own = [...pages].filter(([page]) => page >= first && page < first + DISK_PAGES_START);
  own.sort(([a], [b]) => a - b);
  const writer = new ByteWriter(own.length * (OVERLAY_PAGE_BYTES + 8) + 16);
  writer.uvarint(own.length);
  for (const [page, bytes] of own) writer.uvarint(page - first).bytes(bytes);
  disk.restore(new ByteReader(writer.toBytes()));
}

function readHalt(cause: HaltResult['cause'], reader: ByteReader): HaltResult {
  return cause === 'failure' ? { cause, code: reader.u32() } : { cause };
}

const STATE_VERSION = 1;
const HALT_CAUSES: readonly HaltResult['cause'][] = ['power-off', 'reset', 'failure'];
