/**
 * The board's device tree, as QEMU's `virt` describes itself, less what we have not: PCI, flash,
 * fw_cfg, PMU. Addresses and interrupts come from the memory map; sources for the bindings: Linux,
 * Documentation/devicetree.
 */
import { assert } from '@casmotion/base';
import {
  PLIC_SOURCES_MAX,
  RAM_BASE,
  regionNamed,
  type RegionName,
  TIMEBASE_HZ,
  UART_CLOCK_HZ,
  VIRTIO_SLOTS,
} from '../board/memory-map.ts';
import {
  cells,
  cells64,
  type DeviceTreeNode,
  type DeviceTreeProperty,
  flag,
  node,
  raw,
  texts,
  writeDeviceTree,
} from './device-tree-blob.ts';

export interface BoardTreeOptions {
  readonly ramSizeBytes: number;
  /** The kernel's command line; empty for none. */
  readonly bootArgs: string;
  /** Guest-physical, end exclusive. */
  readonly initrd: { readonly start: number; readonly end: number } | undefined;
  /** 32 bytes for the kernel's random pool. */
  readonly rngSeed: Uint8Array;
}

/** The flattened tree for one hart. */
export function writeBoardTree(options: BoardTreeOptions): Uint8Array<ArrayBuffer> {
  return writeDeviceTree(boardTree(options));
}

/** The tree itself: for tests and docs. */
export function boardTree(options: BoardTreeOptions): DeviceTreeNode {
  return node(
    '',
    [
      ...addressCells(2, 2),
      texts('compatible', 'riscv-virtio', 'casmotion,virt'),
      texts('model', 'casmotion,virt'),
    ],
    [
      chosenNode(options),
      node(`memory@${RAM_BASE.toString(16)}`, [
        texts('device_type', 'memory'),
        cells64('reg', RAM_BASE, options.ramSizeBytes),
      ]),
      cpusNode(),
      powerNode('poweroff', FINISHER_PASS),
      powerNode('reboot', FINISHER_RESET),
      socNode(),
    ],
  );
}

function chosenNode({ bootArgs, initrd, rngSeed }: BoardTreeOptions): DeviceTreeNode {
  assert(rngSeed.length === 32, `rng-seed has ${rngSeed.length} bytes, not 32`);
  const properties: DeviceTreeProperty[] = [];
  if (bootArgs !== '') properties.push(texts('bootargs', bootArgs));
  properties.push(
    texts('stdout-path', `/soc/serial@${regionNamed('uart').baseAddress.toString(16)}`),
  );
  if (initrd !== undefined) {
    properties.push(
      cells64('linux,initrd-start', initrd.start),
      cells64('linux,initrd-end', initrd.end),
    );
  }
  properties.push(raw('rng-seed', rngSeed));
  return node('chosen', properties);
}

function cpusNode(): DeviceTreeNode {
  const interruptController = node('interrupt-controller', [
    cells('#interrupt-cells', 1),
    flag('interrupt-controller'),
    texts('compatible', 'riscv,cpu-intc'),
    cells('phandle', CPU_INTC_PHANDLE),
  ]);
  const cpu = node(
    'cpu@0',
    [
      cells('phandle', CPU_PHANDLE),
      texts('device_type', 'cpu'),
      cells('reg', 0),
      texts('status', 'okay'),
      texts('compatible', 'riscv'),
      texts('riscv,isa', `rv64imafdc_${ISA_MULTI_LETTER.join('_')}`),
      texts('riscv,isa-base', 'rv64i'),
      texts('riscv,isa-extensions', ...'imafdc', ...ISA_MULTI_LETTER),
      texts('mmu-type', 'riscv,sv39'),
    ],
    [interruptController],
  );
  const timebase = cells('timebase-frequency', TIMEBASE_HZ);
  return node('cpus', [...addressCells(1, 0), timebase], [cpu]);
}

function socNode(): DeviceTreeNode {
  const finisher = deviceNode(
    'test',
    'finisher',
    ['sifive,test1', 'sifive,test0', 'syscon'],
    [cells('phandle', FINISHER_PHANDLE)],
  );
  const aclint = deviceNode(
    'clint',
    'aclint',
    ['sifive,clint0', 'riscv,clint0'],
    [cells('interrupts-extended', CPU_INTC_PHANDLE, IRQ_M_SOFT, CPU_INTC_PHANDLE, IRQ_M_TIMER)],
  );
  const plic = deviceNode(
    'plic',
    'plic',
    ['sifive,plic-1.0.0', 'riscv,plic0'],
    [
      cells('phandle', PLIC_PHANDLE),
      cells('#interrupt-cells', 1),
      cells('#address-cells', 0),
      flag('interrupt-controller'),
      cells('interrupts-extended', CPU_INTC_PHANDLE, IRQ_M_EXT, CPU_INTC_PHANDLE, IRQ_S_EXT),
      cells('riscv,ndev', PLIC_SOURCES_MAX),
    ],
  );
  const uart = deviceNode(
    'serial',
    'uart',
    ['ns16550a'],
    [cells('clock-frequency', UART_CLOCK_HZ)],
  );
  const virtio = Array.from({ length: VIRTIO_SLOTS }, (_, slot) =>
    deviceNode('virtio_mmio', `virtio${slot}`, ['virtio,mmio']),
  );
  return node(
    'soc',
    [...addressCells(2, 2), texts('compatible', 'simple-bus'), flag('ranges')],
    [
      finisher,
      deviceNode('rtc', 'rtc', ['google,goldfish-rtc']),
      aclint,
      plic,
      uart,
      ...virtio,
      // Its own binding: one interrupt a vCPU; all else it says by itself, in its registers.
      deviceNode('event-channel', 'event-channel', ['casmotion,event-channel']),
    ],
  );
}

/**
 * A node for a region of the memory map, with its window and, if it has one, its interrupt at the
 * PLIC.
 */
function deviceNode(
  nodeName: string,
  regionName: RegionName,
  compatible: readonly string[],
  more: readonly DeviceTreeProperty[] = [],
): DeviceTreeNode {
  const { baseAddress, sizeBytes, irq } = regionNamed(regionName);
  const interrupt =
    irq === undefined ? [] : [cells('interrupt-parent', PLIC_PHANDLE), cells('interrupts', irq)];
  return node(`${nodeName}@${baseAddress.toString(16)}`, [
    texts('compatible', ...compatible),
    cells64('reg', baseAddress, sizeBytes),
    ...interrupt,
    ...more,
  ]);
}

function powerNode(what: 'poweroff' | 'reboot', value: number): DeviceTreeNode {
  return node(what, [
    texts('compatible', `syscon-${what}`),
    cells('regmap', FINISHER_PHANDLE),
    cells('offset', 0),
    cells('value', value),
  ]);
}

function addressCells(address: number, size: number): DeviceTreeProperty[] {
  return [cells('#address-cells', address), cells('#size-cells', size)];
}

const ISA_MULTI_LETTER = ['zicntr', 'zicsr', 'zifencei', 'sstc'];
const CPU_PHANDLE = 1;
const CPU_INTC_PHANDLE = 2;
const PLIC_PHANDLE = 3;
const FINISHER_PHANDLE = 4;
/** What the finisher takes for "power off" and "reset". */
const FINISHER_PASS = 0x5555;
const FINISHER_RESET = 0x7777;
/** Interrupt numbers of mip. Priv. 1.12 §3.1.9. */
const IRQ_M_SOFT = 3;
const IRQ_M_TIMER = 7;
const IRQ_S_EXT = 9;
const IRQ_M_EXT = 11;
