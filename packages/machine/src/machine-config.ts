/**
 * What makes a machine: plain data, the same on every host. With the digests of its images it is
 * the initial state (premise C1), so it stands in the header of a log.
 */

export interface MachineConfig {
  readonly ramSizeBytes: number;
  readonly harts: 1;
  /**
   * `sbi`: the machine answers an S-mode kernel's SBI calls; `none`: M-mode at 0x8000_0000;
   * `firmware`: an image.
   */
  readonly bios: 'sbi' | 'none' | 'firmware';
  /** The kernel's command line; empty for none. */
  readonly append: string;
  readonly kernel: ImageRef | undefined;
  readonly initrd: ImageRef | undefined;
  readonly firmware: ImageRef | undefined;
  readonly disks: readonly ImageRef[];
  readonly virtio: 'modern' | 'legacy';
  /** `host`: entropy comes as events; `seed`: from a generator in the state; `none`: no device. */
  readonly rng:
    { readonly kind: 'host' | 'none' } | { readonly kind: 'seed'; readonly seed: number };
  readonly net: 'none' | 'loopback' | 'scripted';
  readonly hasVirtioConsole: boolean;
  /** `virtual`: one nanosecond a step for ever; `host`: the line is moved by clock-line events. */
  readonly clock: 'host' | 'virtual';
  /** Nanoseconds since 1970 at mtime 0, decimal: what the RTC starts from. */
  readonly rtcBaseNanoseconds: string;
  /** 32 bytes as hexadecimal for /chosen/rng-seed. */
  readonly rngSeedHex: string;
  /** Who the machine is on its event channels. Absent: domain 1, alone. */
  readonly domain?: DomainConfig;
}

export interface DomainConfig {
  /** 1 <= id < 0x7ff0; 0 is the host's. */
  readonly id: number;
  /**
   * `none`: no other domain is there, and calls to one fail at once, computed. `host`: calls to
   * others are answered by events.
   */
  readonly peers: 'none' | 'host';
}

/** What an absent {@link MachineConfig.domain} means. */
export const ALONE: DomainConfig = { id: 1, peers: 'none' };

/**
 * An image by content. `name` is where it was found when the machine was made; only the digest
 * counts.
 */
export interface ImageRef {
  readonly name: string;
  readonly sizeBytes: number;
  /** BLAKE3-256, hexadecimal. */
  readonly digestHex: string;
}
