/**
 * Goal: a supervisor software interrupt that the board raised, as the built-in SBI does for an IPI,
 * is cleared by the guest's own write of sip; else its handler is entered for ever. Priv. 1.12
 * §4.1.3. Method: the instruction that Linux clears it with, from S-mode.
 */
import { expect, it } from 'vitest';
import { createCore } from '../core.ts';

const MIDELEG = 0x303;
const SIP = 0x144;
const SSIP = 2n;

it('csrci sip clears what the board set', () => {
  const core = createCore({
    ramSizeBytes: 1 << 16,
    rom: new Uint8Array(4),
    bus: { read: () => undefined, write: () => false },
    hasBuiltInSbi: true,
    compile: (bytes) => new WebAssembly.Module(bytes),
  });
  new DataView(core.ram.buffer, core.ram.byteOffset).setUint32(0, 0x14417073, true);
  core.hart.setCsr(MIDELEG, SSIP);
  core.hart.privilege = 1;
  core.hart.pc = 0x8000_0000n;
  // PMP without an entry lets S-mode reach nothing: one NAPOT entry over all addresses.
  core.hart.setCsr(0x3b0, (1n << 54n) - 1n);
  core.hart.setCsr(0x3a0, 0x1fn);
  core.setInterrupt('SSIP', true);
  expect((core.hart.getCsr(SIP) ?? 0n) & SSIP).toBe(SSIP);
  core.run(1);
  expect(core.hart.pc).toBe(0x8000_0004n);
  expect((core.hart.getCsr(SIP) ?? 0n) & SSIP).toBe(0n);
});
