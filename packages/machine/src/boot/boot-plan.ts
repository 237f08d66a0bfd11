/**
 * Where kernel, firmware, initrd and device tree lie in RAM, and where the hart starts: a pure
 * function of the configuration and the images.
 *
 *   RAM start                                                                    RAM end
 *   | firmware, up to 2 MiB | kernel ... |     free      | initrd | device tree | gap |
 *
 * Invariant: the parts do not overlap and all lie in RAM; else {@link BootError}.
 */
import { fromHex, VmError } from '@casmotion/base';
import { PAGE_SIZE_BYTES, RAM_BASE, RAM_SIZE_MAX_BYTES } from '../board/memory-map.ts';
import type { MachineConfig } from '../machine-config.ts';
import { writeBoardTree } from './board-tree.ts';
import { type ElfFile, ElfError, isElf, parseElf, physicalEntry } from './elf.ts';
import { describeWrapper, isLinuxImage, parseLinuxImage } from './linux-image.ts';
import { writeResetRom } from './reset-rom.ts';

/** The bytes behind a configuration's kernel, initrd and firmware. */
export interface BootImages {
  readonly kernel?: Uint8Array | undefined;
  readonly initrd?: Uint8Array | undefined;
  readonly firmware?: Uint8Array | undefined;
}

export interface BootPlan {
  /** What to copy into RAM before the first step, without overlap. Everything else is zero. */
  readonly loads: readonly Load[];
  readonly rom: Uint8Array<ArrayBuffer>;
  /**
   * `rom`: M-mode at the reset vector; `supervisor`: S-mode at `kernelEntry`, SBI answered by the
   * machine.
   */
  readonly start: 'rom' | 'supervisor';
  readonly kernelEntry: number;
  readonly dtbAddress: number;
  readonly dtb: Uint8Array<ArrayBuffer>;
  readonly initrd: { readonly start: number; readonly end: number } | undefined;
}

/** Bytes at a guest-physical address. */
export interface Load {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/**
 * What `--bios` means when it is not given: docs/architecture.md §7. Throws as {@link planBoot}
 * does.
 */
export function defaultBios(name: string, kernel: Uint8Array): 'sbi' | 'none' {
  const { entry } = placeProgram(name, kernel, RAM_SIZE_MAX_BYTES);
  return isElf(kernel) && entry === RAM_BASE ? 'none' : 'sbi';
}

/**
 * Lays everything out. Throws {@link BootError}, `ElfError` or `LinuxImageError`, naming the file.
 */
export function planBoot(config: MachineConfig, images: BootImages): BootPlan {
  checkRamSize(config.ramSizeBytes);
  const firmware =
    config.bios === 'firmware'
      ? placeFirmware(config, images.firmware ?? new Uint8Array(0))
      : undefined;
  const kernel = placeKernel(config, images.kernel);
  if (kernel === undefined && firmware === undefined) {
    throw new BootError('there is nothing to run', {
      expected: 'a kernel, or firmware',
      next: 'give --kernel FILE',
    });
  }
  if (kernel !== undefined && firmware !== undefined) checkApart(config, firmware, kernel);

  const programEnd = Math.max(kernel?.end ?? 0, firmware?.end ?? 0);
  const kernelEntry = kernel?.entry ?? RAM_BASE + FIRMWARE_WINDOW_BYTES;
  const layout = placeTopOfRam(config, images, programEnd);
  const startAddress = firmware?.entry ?? kernelEntry;
  return {
    loads: [...(firmware?.loads ?? []), ...(kernel?.loads ?? []), ...layout.loads],
    rom: writeResetRom({ startAddress, dtbAddress: layout.dtbAddress, nextAddress: kernelEntry }),
    start: config.bios === 'sbi' ? 'supervisor' : 'rom',
    kernelEntry,
    dtbAddress: layout.dtbAddress,
    dtb: layout.dtb,
    initrd: layout.initrd,
  };
}

interface Program {
  readonly loads: readonly Load[];
  readonly start: number;
  /** Exclusive; its zeroed memory included. */
  readonly end: number;
  readonly entry: number;
}

interface TopOfRam {
  readonly loads: readonly Load[];
  readonly dtbAddress: number;
  readonly dtb: Uint8Array<ArrayBuffer>;
  readonly initrd: { readonly start: number; readonly end: number } | undefined;
}

function checkRamSize(ramSizeBytes: number): void {
  const isGood =
    Number.isInteger(ramSizeBytes) &&
    ramSizeBytes % PAGE_SIZE_BYTES === 0 &&
    ramSizeBytes >= RAM_SIZE_MIN_BYTES &&
    ramSizeBytes <= RAM_SIZE_MAX_BYTES;
  if (isGood) return;
  throw new BootError('impossible size of memory', {
    where: '--memory',
    expected: 'a multiple of 4 KiB from 256 KiB to 3 GiB',
    found: `${ramSizeBytes} bytes`,
  });
}

function placeKernel(config: MachineConfig, kernel: Uint8Array | undefined): Program | undefined {
  if (config.kernel === undefined || kernel === undefined) return undefined;
  return placeProgram(config.kernel.name, kernel, config.ramSizeBytes);
}

/** Firmware is an ELF or, like OpenSBI's .bin files, raw bytes for the start of RAM. */
function placeFirmware(config: MachineConfig, firmware: Uint8Array): Program {
  const name = config.firmware?.name ?? 'firmware';
  if (firmware.length === 0) {
    throw new BootError('firmware is empty', {
      where: name,
      next: 'name another file with --bios',
    });
  }
  if (isElf(firmware)) return placeElf(parseElf(name, firmware), config.ramSizeBytes);
  const wrapper = describeWrapper(firmware);
  if (wrapper !== undefined) {
    throw new BootError('firmware is compressed', {
      where: name,
      found: wrapper,
      next: 'unpack it first',
    });
  }
  const end =
    RAM_BASE + Math.max(firmware.length, Math.min(FIRMWARE_WINDOW_BYTES, config.ramSizeBytes));
  checkInRam(name, 'firmware', RAM_BASE + firmware.length, config.ramSizeBytes);
  return { loads: [{ address: RAM_BASE, bytes: firmware }], start: RAM_BASE, end, entry: RAM_BASE };
}

function placeProgram(name: string, bytes: Uint8Array, ramSizeBytes: number): Program {
  if (isElf(bytes)) return placeElf(parseElf(name, bytes), ramSizeBytes);
  if (isLinuxImage(bytes)) {
    const image = parseLinuxImage(name, bytes);
    const address = RAM_BASE + image.textOffset;
    const end = address + image.imageSizeBytes;
    checkInRam(name, 'kernel', end, ramSizeBytes);
    return { loads: [{ address, bytes }], start: address, end, entry: address };
  }
  const wrapper = describeWrapper(bytes);
  throw new BootError('is neither an ELF file nor a Linux Image', {
    where: name,
    expected: 'a RISC-V ELF64 executable or an uncompressed Linux Image, whole',
    found: bytes.length === 0 ? 'an empty file' : (wrapper ?? 'something else'),
    next: wrapper === undefined ? 'name another file with --kernel' : 'unpack it first',
  });
}

function placeElf(elf: ElfFile, ramSizeBytes: number): Program {
  const ramEnd = BigInt(RAM_BASE + ramSizeBytes);
  let start = RAM_BASE + ramSizeBytes;
  let end = RAM_BASE;
  const loads: Load[] = [];
  for (const { physAddr, memorySizeBytes, bytes, headerOffset } of elf.segments) {
    const segmentEnd = physAddr + memorySizeBytes;
    if (physAddr < BigInt(RAM_BASE) || segmentEnd > ramEnd) {
      throw new ElfError(elf.name, headerOffset, 'has a segment outside of RAM', {
        expected: `addresses in 0x${RAM_BASE.toString(16)} .. 0x${(ramEnd - 1n).toString(16)}`,
        found: `0x${physAddr.toString(16)} .. 0x${(segmentEnd - 1n).toString(16)}`,
        ...(isHeaderBelowRam(physAddr, segmentEnd) ? { next: LINK_WITHOUT_HEADERS } : {}),
      });
    }
    start = Math.min(start, Number(physAddr));
    end = Math.max(end, Number(segmentEnd));
    if (bytes.length > 0) loads.push({ address: Number(physAddr), bytes });
  }
  return { loads, start, end, entry: Number(physicalEntry(elf)) };
}

/** Unless told not to, linkers load the file's headers too, on the page before the code. */
function isHeaderBelowRam(start: bigint, end: bigint): boolean {
  return start >= BigInt(RAM_BASE - PAGE_SIZE_BYTES) && end > BigInt(RAM_BASE);
}

/** The device tree near the end of RAM, with room to grow for firmware; the initrd below it. */
function placeTopOfRam(config: MachineConfig, images: BootImages, programEnd: number): TopOfRam {
  const dtbAddress = RAM_BASE + config.ramSizeBytes - DTB_WINDOW_BYTES;
  if (programEnd > dtbAddress) {
    throw new BootError('kernel and device tree do not fit into memory', {
      where: config.kernel?.name ?? '--kernel',
      expected: `an end at or below 0x${dtbAddress.toString(16)}`,
      found: `0x${programEnd.toString(16)}`,
      next: 'give the machine more with --memory',
    });
  }
  const initrd = placeInitrd(config, images.initrd, programEnd, dtbAddress);
  const dtb = writeBoardTree({
    ramSizeBytes: config.ramSizeBytes,
    bootArgs: config.append,
    initrd,
    rngSeed: fromHex(config.rngSeedHex) ?? new Uint8Array(0),
  });
  if (dtb.length > DTB_WINDOW_BYTES / 2) {
    throw new BootError('the command line is too long', {
      where: '--append',
      expected: `a device tree of at most ${DTB_WINDOW_BYTES / 2} bytes`,
      found: `${dtb.length}`,
    });
  }
  const loads: Load[] = [{ address: dtbAddress, bytes: dtb }];
  if (initrd !== undefined)
    loads.push({ address: initrd.start, bytes: images.initrd ?? new Uint8Array(0) });
  return { loads, dtbAddress, dtb, initrd };
}

function placeInitrd(
  config: MachineConfig,
  initrd: Uint8Array | undefined,
  programEnd: number,
  dtbAddress: number,
): { start: number; end: number } | undefined {
  if (config.initrd === undefined || initrd === undefined) return undefined;
  const start = alignDown(dtbAddress - initrd.length);
  if (start < programEnd) {
    throw new BootError('initrd is too large for memory', {
      where: config.initrd.name,
      expected: `at most ${Math.max(0, alignDown(dtbAddress - programEnd))} bytes`,
      found: `${initrd.length}`,
      next: 'give the machine more with --memory',
    });
  }
  return { start, end: start + initrd.length };
}

function checkApart(config: MachineConfig, firmware: Program, kernel: Program): void {
  if (firmware.end <= kernel.start || kernel.end <= firmware.start) return;
  throw new BootError('kernel overlaps the firmware', {
    where: config.kernel?.name ?? '--kernel',
    expected: `addresses from 0x${firmware.end.toString(16)} on`,
    found: `0x${kernel.start.toString(16)}`,
    next: 'run a kernel that is linked to the start of RAM with --bios none',
  });
}

function checkInRam(name: string, what: string, end: number, ramSizeBytes: number): void {
  if (end <= RAM_BASE + ramSizeBytes) return;
  throw new BootError(`${what} is too large for memory`, {
    where: name,
    expected: `an end at or below 0x${(RAM_BASE + ramSizeBytes).toString(16)}`,
    found: `0x${end.toString(16)}`,
    next: 'give the machine more with --memory',
  });
}

function alignDown(address: number): number {
  return Math.floor(address / PAGE_SIZE_BYTES) * PAGE_SIZE_BYTES;
}

/** Linux wants its Image at a multiple of 2 MiB, after the firmware. */
const FIRMWARE_WINDOW_BYTES = 0x20_0000;
/**
 * At the end of RAM: the tree in the first half; the rest is for firmware that adds nodes in place.
 */
const DTB_WINDOW_BYTES = 0x2_0000;
const LINK_WITHOUT_HEADERS = 'link it with -Wl,--nmagic, so that no headers are loaded';
const RAM_SIZE_MIN_BYTES = 2 * DTB_WINDOW_BYTES;

/** Something that cannot be booted: which file or flag, and why. */
export class BootError extends VmError {
  override readonly name = 'BootError';
}
