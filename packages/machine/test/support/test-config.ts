/** A configuration for tests: little RAM, no devices that need a host, the virtual clock. */
import type { MachineConfig } from '../../src/machine-config.ts';

export function testConfig(changes: Partial<MachineConfig> = {}): MachineConfig {
  return {
    ramSizeBytes: 8 * 2 ** 20,
    harts: 1,
    bios: 'none',
    append: '',
    kernel: undefined,
    initrd: undefined,
    firmware: undefined,
    disks: [],
    virtio: 'modern',
    rng: { kind: 'none' },
    net: 'none',
    hasVirtioConsole: false,
    clock: 'virtual',
    rtcBaseNanoseconds: '1700000000000000000',
    rngSeedHex: '00'.repeat(32),
    ...changes,
  };
}
