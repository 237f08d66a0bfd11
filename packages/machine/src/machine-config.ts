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
  /**
   * How places in the run are named in its log. Absent: by steps. Else the machine counts transfers
   * of control, which is then part of its state, and shows them by a performance counter.
   */
  readonly timePoint?: PmuConfig;
}

/** Time points by a performance counter, and what the emulated counter is like. */
export interface PmuConfig {
  /** The key: (branches, pc), or these and a register, sp. */
  readonly kind: 'branches' | 'branches+register';
  /** The interrupt comes 0 to so many transfers late. 0 to {@link SKID_MAX}. */
  readonly skid: number;
  /** Of the skids and of what is overcounted. 0 to 2^32 - 1. */
  readonly seed: number;
  /** One in so many entries of the guest counts a transfer that was none; 0: never. */
  readonly overcount: number;
}

export const SKID_MAX = 2 ** 20;
export const OVERCOUNT_MAX = 2 ** 32 - 1;

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
