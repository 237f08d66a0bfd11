/** Guest programs for whole-machine tests, each as an ELF file. */
import { a0, a1, a2, a6, a7, Assembler, s0, s1, sp, t0, t1, t2, zero } from './assembler.ts';
import { buildElf } from './build-elf.ts';

const UART = 0x1000_0000;
const FINISHER = 0x10_0000;
const MTIMECMP = 0x200_4000;
const MTIME = 0x200_bff8;
const PLIC = 0xc00_0000;
const EVENT_CHANNEL = 0x1020_0000;
const SHARED_INFO = 0x8011_0000;
const MCAUSE = 0x342;
const [MSTATUS, MIE, MTVEC, SIE, STVEC, SSTATUS, STIMECMP, MENVCFG, TIME] = [
  0x300, 0x304, 0x305, 0x104, 0x105, 0x100, 0x14d, 0x30a, 0xc01,
];

/** Prints a text on the UART and powers off. */
export function helloProgram(text: string): Uint8Array {
  const asm = new Assembler();
  printText(asm.li(s0, UART).la(a0, 'text'), 'print');
  powerOff(asm);
  asm.label('text').text(text);
  return elfOf(asm);
}

/** Ends with the finisher's FAIL and this code. */
export function failingProgram(code: number): Uint8Array {
  const asm = new Assembler();
  asm
    .li(t0, FINISHER)
    .li(t1, code * 65536 + 0x3333)
    .sw(t1, t0)
    .label('end')
    .j('end');
  return elfOf(asm);
}

/**
 * M-mode: `count` timer interrupts, `periodTicks` apart, through the ACLINT; waits in WFI or, with
 * `isBusy`, computes. Prints a dot at each, then the low bits of time, and powers off.
 */
export function aclintTimerProgram(
  count: number,
  periodTicks: number,
  isBusy: boolean,
): Uint8Array {
  const asm = new Assembler();
  asm.li(s0, UART).li(s1, count).li(sp, 0x8010_0000).la(t0, 'trap').csrw(MTVEC, t0);
  armAclint(asm, periodTicks);
  asm
    .li(t0, 1 << 7)
    .csrs(MIE, t0)
    .li(t0, 1 << 3)
    .csrs(MSTATUS, t0);
  asm.label('loop');
  if (isBusy) asm.addi(a1, a1, 3).mul(a2, a1, a1).sd(a2, sp, 64).ld(a2, sp, 64);
  else asm.wfi();
  asm.bne(s1, zero, 'loop');
  asm.csrr(t0, TIME).andi(t0, t0, 15).addi(t0, t0, 65).sb(t0, s0);
  powerOff(asm);
  asm.label('trap').sd(t0, sp, 0).sd(t1, sp, 8).sd(t2, sp, 16);
  asm.li(t0, 46).sb(t0, s0).addi(s1, s1, -1);
  armAclint(asm, periodTicks);
  asm.ld(t0, sp, 0).ld(t1, sp, 8).ld(t2, sp, 16).mret();
  return elfOf(asm);
}

/**
 * S-mode under the built-in SBI: a hello by DBCN, then `count` timer interrupts by Sstc, then SRST.
 */
export function sbiTimerProgram(text: string, count: number, periodTicks: number): Uint8Array {
  const asm = new Assembler(0x8020_0000);
  asm.li(s1, count).la(t0, 'trap').csrw(STVEC, t0);
  asm.li(a0, text.length).la(a1, 'text').li(a2, 0);
  sbiCall(asm, 0x4442_434e, 0);
  asm.csrr(t0, TIME).addi(t0, t0, periodTicks).csrw(STIMECMP, t0);
  asm
    .li(t0, 1 << 5)
    .csrs(SIE, t0)
    .li(t0, 2)
    .csrs(SSTATUS, t0);
  asm.label('loop').wfi().bne(s1, zero, 'loop');
  asm.li(a0, 0).li(a1, 0);
  sbiCall(asm, 0x5352_5354, 0);
  asm.label('end').j('end');
  asm.label('trap').addi(s1, s1, -1).csrr(t0, TIME).addi(a0, t0, periodTicks);
  sbiCall(asm, 0x5449_4d45, 0);
  asm.li(a0, 0x2a);
  sbiCall(asm, 1, 0);
  asm.sret();
  asm.label('text').text(text);
  return elfOf(asm);
}

/**
 * S-mode, under any SBI: puts a text by the legacy console call, notes hart, device tree and spec
 * version in RAM at 0x8040_0000, and shuts down by SRST.
 */
export function sbiHelloProgram(text: string): Uint8Array {
  const asm = new Assembler(0x8020_0000);
  asm.li(t0, 0x8040_0000).sd(a0, t0, 0).sd(a1, t0, 8).la(s0, 'text');
  asm.label('next').lbu(a0, s0).beq(a0, zero, 'done');
  sbiCall(asm, 1, 0);
  asm.addi(s0, s0, 1).j('next').label('done');
  sbiCall(asm, 0x10, 0);
  asm.li(t0, 0x8040_0000).sd(a1, t0, 16).li(a0, 0).li(a1, 0);
  sbiCall(asm, 0x5352_5354, 0);
  asm.label('end').j('end').label('text').text(text);
  return elfOf(asm);
}

/** M-mode: echoes what comes in at the UART, by interrupts through the PLIC, until a `q`. */
export function echoProgram(): Uint8Array {
  const asm = new Assembler();
  asm.li(s0, UART).la(t0, 'trap').csrw(MTVEC, t0).li(s1, 0x71);
  asm.li(t0, PLIC).li(t1, 1).sw(t1, t0, 40); // priority of source 10
  asm
    .li(t0, PLIC + 0x2000)
    .li(t1, 1 << 10)
    .sw(t1, t0); // enable it in context 0
  asm.li(t0, 1).sb(t0, s0, 1); // IER: data received
  asm
    .li(t0, 1 << 11)
    .csrs(MIE, t0)
    .li(t0, 1 << 3)
    .csrs(MSTATUS, t0);
  asm.label('loop').wfi().j('loop');
  asm
    .label('trap')
    .li(t0, PLIC + 0x20_0004)
    .lw(t1, t0);
  asm.label('next').lbu(a0, s0, 5).andi(a0, a0, 1).beq(a0, zero, 'done');
  asm.lbu(a1, s0).sb(a1, s0).beq(a1, s1, 'quit').j('next');
  asm.label('done').sw(t1, t0).mret();
  asm.label('quit');
  powerOff(asm);
  return elfOf(asm);
}

/**
 * M-mode, for ever: mixes what interrupts it into a sum in RAM. Timer (ACLINT, `periodTicks`), UART
 * (echoed) and event channel do; every 64th round it waits in WFI.
 */
export function busyProgram(periodTicks: number): Uint8Array {
  const asm = new Assembler();
  asm.li(s0, UART).li(sp, 0x8010_0000).li(s1, 0).la(t0, 'trap').csrw(MTVEC, t0);
  asm.li(t0, PLIC).li(t1, 1).sw(t1, t0, 40).sw(t1, t0, 48); // priorities of sources 10 and 12
  asm
    .li(t0, PLIC + 0x2000)
    .li(t1, (1 << 10) | (1 << 12))
    .sw(t1, t0);
  setUpChannel(asm, 31);
  asm.li(t1, 1).sb(t1, s0, 1); // IER
  armAclint(asm, periodTicks);
  asm.li(t0, (1 << 7) | (1 << 11)).csrs(MIE, t0);
  asm.li(t0, 1 << 3).csrs(MSTATUS, t0);
  asm.label('loop').addi(a1, a1, 1).mul(a2, a1, s1).add(s1, s1, a1).xor(s1, s1, a2);
  asm.sd(s1, sp, 64).andi(a2, a1, 63).bne(a2, zero, 'loop').wfi().j('loop');
  asm.label('trap').sd(t0, sp, 0).sd(t1, sp, 8).sd(t2, sp, 16);
  asm.csrr(t0, MCAUSE).andi(t0, t0, 15).li(t1, 7).bne(t0, t1, 'external');
  armAclint(asm, periodTicks);
  asm.add(s1, s1, t1).li(t0, 0x2e).sb(t0, s0).j('return');
  asm
    .label('external')
    .li(t2, PLIC + 0x20_0004)
    .lw(t1, t2)
    .li(t0, 12)
    .beq(t1, t0, 'channel');
  asm.lbu(t0, s0).sb(t0, s0).add(s1, s1, t0).j('complete');
  asm.label('channel').li(t0, SHARED_INFO).sb(zero, t0).addi(t0, t0, 8).amoswapD(a0, zero, t0);
  asm
    .li(t0, SHARED_INFO + 0x800)
    .amoswapD(a0, zero, t0)
    .add(s1, s1, a0);
  asm.label('complete').sw(t1, t2);
  asm.label('return').ld(t0, sp, 0).ld(t1, sp, 8).ld(t2, sp, 16).mret();
  return elfOf(asm);
}

/** shared_info has a place, upcalls are on, and ports 1 to `portCount` wait for a binding. */
function setUpChannel(asm: Assembler, portCount: number): void {
  channelOperation(asm, 0x0c07, [0, 0, SHARED_INFO / 4096]);
  asm
    .li(t0, SHARED_INFO)
    .sb(zero, t0, 1)
    .li(a1, portCount)
    .label('allocate');
  channelOperation(asm, 0x2006, [0x7ff0, 0x7ff0]);
  asm.addi(a1, a1, -1).bne(a1, zero, 'allocate');
}

/** An operation of the event channel with these arguments; clobbers t0 and t1. */
function channelOperation(asm: Assembler, operation: number, args: readonly number[]): void {
  asm.li(t0, EVENT_CHANNEL + 0x1000);
  for (const [index, argument] of args.entries()) asm.li(t1, argument).sd(t1, t0, 8 * index);
  asm.li(t1, operation).sw(t1, t0, 0x30);
}

/** Waits for ever with every interrupt off. */
export function sleepingProgram(): Uint8Array {
  const asm = new Assembler();
  asm.label('loop').wfi().j('loop');
  return elfOf(asm);
}

/**
 * Reads a0 to a2 as the reset vector left them, and mhartid, into RAM at 0x8010_0000; powers off.
 */
export function registersProgram(): Uint8Array {
  const asm = new Assembler();
  asm.li(t0, 0x8010_0000).sd(a0, t0, 0).sd(a1, t0, 8).sd(a2, t0, 16).csrr(t1, 0xf14).sd(t1, t0, 24);
  powerOff(asm);
  return elfOf(asm);
}

/**
 * Enables Sstc in M-mode and reads beyond what is mapped: a load access fault is printed as its
 * number.
 */
export function faultProgram(): Uint8Array {
  const asm = new Assembler();
  asm.li(s0, UART).la(t0, 'trap').csrw(MTVEC, t0).li(t0, 1).slli(t0, t0, 63).csrs(MENVCFG, t0);
  asm.li(t0, 0x4000_0000).lw(t1, t0).label('end').j('end');
  asm.label('trap').csrr(t0, 0x342).addi(t0, t0, 48).sb(t0, s0);
  powerOff(asm);
  return elfOf(asm);
}

/** mtimecmp = mtime + periodTicks. Uses t0 to t2. */
function armAclint(asm: Assembler, periodTicks: number): void {
  asm.li(t0, MTIME).ld(t1, t0).li(t2, periodTicks).add(t1, t1, t2).li(t0, MTIMECMP).sd(t1, t0);
}

function printText(asm: Assembler, label: string): void {
  asm.label(label).lbu(t0, a0).beq(t0, zero, `${label}-end`).sb(t0, s0).addi(a0, a0, 1).j(label);
  asm.label(`${label}-end`);
}

function powerOff(asm: Assembler): void {
  const end = `end-${asm.here}`;
  asm.li(t0, FINISHER).li(t1, 0x5555).sw(t1, t0).label(end).j(end);
}

function sbiCall(asm: Assembler, extension: number, functionId: number): void {
  asm.li(a7, extension).li(a6, functionId).ecall();
}

function elfOf(asm: Assembler): Uint8Array {
  return buildElf(BigInt(asm.base), [{ address: BigInt(asm.base), bytes: asm.toBytes() }]);
}

/** A buffer of a virtqueue chain: guest-physical, with what lies there at the start. */
export interface ChainBuffer {
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly isWritable: boolean;
}

/**
 * M-mode: sets up queue 0 of the modern virtio device in `slot`, makes one chain available,
 * notifies, polls until it is used, and powers off. Virtio 1.2 §2.7, §3.1.1, §4.2.2; the rings
 * are laid out in the file already.
 */
export function virtioProgram(slot: number, chain: readonly ChainBuffer[]): Uint8Array {
  const asm = new Assembler();
  asm.li(s0, 0x1000_1000 + slot * 0x1000);
  const registers: [offset: number, value: number][] = [
    [0x070, 1 | 2], // Status: ACKNOWLEDGE, DRIVER
    [0x024, 1], // DriverFeaturesSel
    [0x020, 1], // DriverFeatures: VIRTIO_F_VERSION_1
    [0x070, 1 | 2 | 8], // FEATURES_OK
    [0x030, 0], // QueueSel
    [0x038, 8], // QueueNum
    [0x080, DESCRIPTORS],
    [0x090, AVAILABLE],
    [0x0a0, USED],
    [0x044, 1], // QueueReady
    [0x070, 1 | 2 | 8 | 4], // DRIVER_OK
    [0x050, 0], // QueueNotify
  ];
  for (const [offset, value] of registers) asm.li(t0, value).sw(t0, s0, offset);
  asm.li(t1, USED).label('poll').lw(t0, t1).beq(t0, zero, 'poll');
  powerOff(asm);
  return buildElf(BigInt(asm.base), [
    { address: BigInt(asm.base), bytes: asm.toBytes() },
    { address: BigInt(DESCRIPTORS), bytes: descriptorTable(chain) },
    { address: BigInt(AVAILABLE), bytes: Uint8Array.of(0, 0, 1, 0, 0, 0) },
    ...chain.map(({ address, bytes }) => ({ address: BigInt(address), bytes })),
  ]);
}

/** struct virtq_desc: address, length, flags (1 NEXT, 2 WRITE), next. */
function descriptorTable(chain: readonly ChainBuffer[]): Uint8Array {
  const table = new Uint8Array(chain.length * 16);
  const view = new DataView(table.buffer);
  chain.forEach(({ address, bytes, isWritable }, i) => {
    const hasNext = i + 1 < chain.length;
    view.setBigUint64(i * 16, BigInt(address), true);
    view.setUint32(i * 16 + 8, bytes.length, true);
    view.setUint16(i * 16 + 12, (hasNext ? 1 : 0) | (isWritable ? 2 : 0), true);
    view.setUint16(i * 16 + 14, hasNext ? i + 1 : 0, true);
  });
  return table;
}

const DESCRIPTORS = 0x8010_0000;
const AVAILABLE = 0x8010_1000;
const USED = 0x8010_2000;
