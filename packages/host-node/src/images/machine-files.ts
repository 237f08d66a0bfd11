/** Image files for a new machine: read, digested, and described in its configuration. */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { type Hashes, toHex, VmError } from '@casmotion/base';
import { type BlockImage, MemoryImage } from '@casmotion/devices';
import {
  defaultBios,
  describeDisk,
  describeImage,
  type DomainConfig,
  type ImageRef,
  type MachineConfig,
  type MachineImages,
  type PmuConfig,
} from '@casmotion/machine';
import { IMAGE_MAX_BYTES } from '@casmotion/replay-log';
import { wallClockNanoseconds } from '../live/host-clock.ts';
import { builtinImage, EMBEDDED_GUEST, HELLO_GUEST, SCRATCH_DISK } from './builtin-images.ts';
import { FileImage, readInputFile } from '../files/input-file.ts';

/** A machine as a user asks for it: by paths. What is undefined has a default. */
export interface MachineRequest {
  /** ELF or Linux Image; an embedded guest if undefined. */
  readonly kernel: string | undefined;
  readonly initrd: string | undefined;
  /** `sbi`, `none`, or the path of firmware; by the kernel if undefined. */
  readonly bios: string | undefined;
  /** Command line; the embedded guest's is `demo` if undefined, and others' empty. */
  readonly append: string | undefined;
  readonly disks: readonly string[];
  readonly ramSizeBytes: number;
  readonly virtio: 'modern' | 'legacy';
  /** By the clock if undefined: `host` under the host's, seed 0 under the virtual one. */
  readonly rng: 'host' | 'none' | { readonly seed: number } | undefined;
  readonly net: 'none' | 'loopback' | 'scripted';
  readonly hasVirtioConsole: boolean;
  readonly clock: 'host' | 'virtual';
  /** How a log names places; by steps if undefined. */
  readonly timePoint?: PmuConfig | undefined;
  /** Who it is in a lab. */
  readonly domain?: DomainConfig;
}

/** Configuration and images of one machine. The files stay open until `close`. */
export interface MachineFiles {
  readonly config: MachineConfig;
  readonly images: MachineImages;
  close(): void;
}

/** Throws `VmError`s that name the file. */
export async function openMachineFiles(
  request: MachineRequest,
  hashes: Hashes,
): Promise<MachineFiles> {
  const kernel = openKernel(request);
  const initrd = request.initrd === undefined ? undefined : readFile(request.initrd, 'initrd');
  const firmware = isFirmware(request.bios) ? readFile(request.bios, 'firmware') : undefined;
  const bios = firmware === undefined ? chooseBios(request.bios, kernel) : 'firmware';
  const disks: NamedDisk[] = [];
  const close = (): void =>
    disks.forEach(({ image }) => image instanceof FileImage && image.close());
  try {
    for (const path of request.disks) disks.push(openDisk(path));
    if (kernel.name === EMBEDDED_GUEST && disks.length === 0) disks.push(openDisk(SCRATCH_DISK));
    const diskRefs: ImageRef[] = [];
    for (const { name, image } of disks) diskRefs.push(await describeDisk(name, image, hashes));
    const describe = (file: NamedBytes | undefined): ImageRef | undefined =>
      file === undefined ? undefined : describeImage(file.name, file.bytes, hashes);
    const config: MachineConfig = {
      ramSizeBytes: request.ramSizeBytes,
      harts: 1,
      bios,
      append: request.append ?? (kernel.name === EMBEDDED_GUEST ? EMBEDDED_SCRIPT : ''),
      kernel: describe(kernel),
      initrd: describe(initrd),
      firmware: describe(firmware),
      disks: diskRefs,
      virtio: request.virtio,
      rng: chooseRng(request),
      net: request.net,
      hasVirtioConsole: request.hasVirtioConsole,
      clock: request.clock,
      ...chooseIdentity(request.clock),
      ...(request.timePoint === undefined ? {} : { timePoint: request.timePoint }),
      ...(request.domain === undefined ? {} : { domain: request.domain }),
    };
    const images = {
      kernel: kernel.bytes,
      initrd: initrd?.bytes,
      firmware: firmware?.bytes,
      disks: disks.map(({ image }) => image),
    };
    return { config, images, close };
  } catch (error) {
    close();
    throw error;
  }
}

interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

interface NamedDisk {
  readonly name: string;
  readonly image: BlockImage;
}

function openKernel({ kernel, bios }: MachineRequest): NamedBytes {
  const builtin = kernel === undefined ? undefined : builtinImage(kernel);
  if (kernel !== undefined && builtin !== undefined) return { name: kernel, bytes: builtin };
  if (kernel !== undefined) return readFile(kernel, 'kernel');
  const name = bios === 'none' ? HELLO_GUEST : EMBEDDED_GUEST;
  return { name, bytes: builtinImage(name) ?? new Uint8Array(0) };
}

/** Absolute, so that a replay finds it from any folder. */
function readFile(path: string, what: string): NamedBytes {
  return { name: resolve(path), bytes: readInputFile(path, what) };
}

function openDisk(path: string): NamedDisk {
  const bytes = builtinImage(path);
  if (bytes !== undefined) return { name: path, image: new MemoryImage(bytes) };
  return { name: resolve(path), image: new FileImage(path) };
}

function isFirmware(bios: string | undefined): bios is string {
  return bios !== undefined && bios !== 'sbi' && bios !== 'none';
}

function chooseBios(bios: string | undefined, kernel: NamedBytes): 'sbi' | 'none' {
  if (bios === 'sbi' || bios === 'none') return bios;
  return defaultBios(kernel.name, kernel.bytes);
}

function chooseRng({ rng, clock }: MachineRequest): MachineConfig['rng'] {
  const chosen = rng ?? (clock === 'host' ? 'host' : { seed: 0 });
  if (typeof chosen === 'object') return { kind: 'seed', seed: chosen.seed };
  return { kind: chosen };
}

/** Under the virtual clock all is fixed, so that equal requests make equal machines. */
function chooseIdentity(
  clock: 'host' | 'virtual',
): Pick<MachineConfig, 'rtcBaseNanoseconds' | 'rngSeedHex'> {
  if (clock === 'virtual') {
    return { rtcBaseNanoseconds: VIRTUAL_RTC_BASE, rngSeedHex: VIRTUAL_RNG_SEED };
  }
  return { rtcBaseNanoseconds: wallClockNanoseconds(), rngSeedHex: toHex(randomBytes(32)) };
}

/** What the embedded guest does if nothing is said. */
const EMBEDDED_SCRIPT = 'demo';
/** 2012-06-01T00:00:00Z: the month of the paper. */
const VIRTUAL_RTC_BASE = '1338508800000000000';
/** Fixed and public: a guest under the virtual clock has no secrets. */
const VIRTUAL_RNG_SEED = '434153'.padEnd(64, '0');

/** Refuses, before anything is written, an image that a log cannot store. */
export function checkForEmbedding({ config }: MachineFiles): void {
  const { kernel, initrd, firmware, disks } = config;
  for (const ref of [kernel, initrd, firmware, ...disks]) {
    if (ref === undefined || ref.sizeBytes <= IMAGE_MAX_BYTES) continue;
    throw new VmError('the image is too large to be stored in a log', {
      where: ref.name,
      expected: `at most ${IMAGE_MAX_BYTES} bytes`,
      found: `${ref.sizeBytes}`,
      next: 'record without --embed, and keep the image',
    });
  }
}
