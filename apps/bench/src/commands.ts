/** Command lines: how each peer is asked to run a workload. Pure: paths in, arguments out. */
import type { CasmotionMode, QemuMode } from './results.ts';
import type { QemuSetup, Workload } from './workloads.ts';

/** Files that a workload needs, made before it is measured. */
export type WorkloadFiles = MachineImages | LabFile;

export interface LabFile {
  /** Its lab.json. */
  readonly lab: string;
}

export interface MachineImages {
  readonly kernel: string;
  readonly initrd: string | undefined;
  readonly disk: string | undefined;
}

export interface CasmotionRequest {
  readonly mode: CasmotionMode;
  readonly workload: Workload;
  readonly append: string;
  readonly files: WorkloadFiles;
  /** Of a lab it is standard output, or with --json standard error. */
  readonly consolePath: string;
  /** Of a lab a folder. */
  readonly logPath: string;
  /** Flags of the variant, such as `--engine interpreter`. */
  readonly variantFlags: readonly string[];
}

/**
 * Arguments after `casmotion`. A variant's flag takes the place of ours; all of a replay's machine
 * is in the log. An unrecorded run has no --json: that would compute digests at its end.
 */
export function casmotionArguments(request: CasmotionRequest): string[] {
  const { mode, workload, append, files, consolePath, logPath, variantFlags } = request;
  if ('lab' in files) return labArguments({ ...request, files });
  const consoleFlags = ['--console', consolePath];
  const output = ['--json', '--quiet', ...consoleFlags];
  if (mode === 'replay') return ['replay', logPath, ...output, ...variantFlags];
  const machine: [flag: string, value: string | undefined][] = [
    ['--kernel', files.kernel],
    ['--append', append],
    ['--clock', 'virtual'],
    ['--rng', workload.name === 'debian' ? 'none' : '7'],
    ['--initrd', files.initrd],
    ['--disk', files.disk],
    ['--bios', workload.bios],
    ['--memory', workload.memory],
    ['--max-instructions', workload.maxInstructions],
  ];
  return [
    ...(mode === 'record' ? ['record', '-o', logPath] : ['run']),
    ...machine.flatMap(([flag, value]) =>
      value === undefined || variantFlags.includes(flag) ? [] : [flag, value],
    ),
    ...(mode === 'run' ? consoleFlags : output),
    ...variantFlags,
  ];
}

function labArguments({
  mode,
  files: { lab },
  logPath,
  variantFlags,
}: CasmotionRequest & { readonly files: LabFile }): string[] {
  const output = ['--json', '--quiet', ...variantFlags];
  switch (mode) {
    case 'run':
      return ['run', '--config', lab, ...variantFlags];
    case 'record':
      return ['record', '--config', lab, '-o', logPath, ...output];
    case 'replay':
      return ['replay', logPath, ...output];
  }
}

export interface QemuRequest {
  readonly mode: QemuMode;
  readonly workload: Workload;
  readonly setup: QemuSetup;
  readonly append: string;
  readonly files: MachineImages;
  readonly logPath: string;
}

/** Arguments after `qemu-system-riscv64`. The processor is cut down to what casmotion's has. */
export function qemuArguments(request: QemuRequest): string[] {
  const { mode, workload, setup, append, files, logPath } = request;
  return [
    ...['-M', 'virt', '-cpu', 'rv64,zba=off,zbb=off,zbc=off,zbs=off,h=off'],
    ...['-m', workload.memory ?? '256M', '-display', 'none', '-monitor', 'none'],
    ...['-serial', 'stdio', '-global', 'virtio-mmio.force-legacy=false'],
    ...(setup.firmware === 'default' ? [] : ['-bios', setup.firmware]),
    ...['-kernel', files.kernel, '-append', append],
    ...(files.initrd === undefined ? [] : ['-initrd', files.initrd]),
    ...(files.disk === undefined ? [] : diskArguments(files.disk, mode)),
    ...instructionCounting(mode, setup.counting, logPath),
  ];
}

/** A disk that is never written, and in recordings goes through QEMU's replay layer. */
function diskArguments(path: string, mode: QemuMode): string[] {
  const drive = ['-drive', `file=${path},if=none,format=raw,snapshot=on,id=image`];
  const device = 'virtio-blk-device,bus=virtio-mmio-bus.0,drive=';
  if (mode === 'plain' || mode === 'icount') return [...drive, '-device', `${device}image`];
  const layer = ['-drive', 'driver=blkreplay,if=none,image=image,id=layer'];
  return [...drive, ...layer, '-device', `${device}layer`];
}

function instructionCounting(mode: QemuMode, counting: string, logPath: string): string[] {
  switch (mode) {
    case 'plain':
      return [];
    case 'icount':
      return ['-icount', counting];
    case 'rr-record':
      return ['-icount', `${counting},rr=record,rrfile=${logPath}`];
    case 'rr-replay':
      return ['-icount', `${counting},rr=replay,rrfile=${logPath}`];
  }
}
