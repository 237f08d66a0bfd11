/** What a kind of virtio device adds to the transport, and what the transport offers it. */
import type { ByteReader, ByteWriter } from '@casmotion/base';
import type { DmaMemory } from '../device.ts';
import type { Virtqueue } from './virtqueue.ts';

/** A kind of device (block, net, ...) behind a transport. */
export interface VirtioModel {
  /** Virtio 1.2 §5. */
  readonly deviceId: number;
  /** Largest size of each queue; powers of 2. */
  readonly queueMaxSizes: readonly number[];
  /** A chain with more bytes breaks its queue. */
  readonly maxChainBytes: number;
  /** Feature bits of this kind, 0 to 23; the transport adds those of rings and version. */
  readonly features: readonly number[];

  /** Called once, by the transport's constructor. */
  attach(host: VirtioHost): void;
  /** The device configuration as it stands: read by the guest byte by byte. */
  readonly config: Uint8Array;
  /** A write to the configuration, little-endian. Most ignore it. */
  writeConfig?(offset: number, sizeBytes: number, value: number): void;
  /** The driver notified this queue, or became ready with the queue ready. */
  notify(queueIndex: number): void;
  /**
   * The driver stopped its queues or reset the device: forget requests in flight; keep the medium.
   */
  stopRequests(): void;
  /** As {@link Device}'s. */
  alarm?(): void;
  snapshot(writer: ByteWriter): void;
  restore(reader: ByteReader): void;
  /** The state after power-on. */
  reset(): void;
}

/** The transport, as a model sees it. */
export interface VirtioHost {
  readonly dma: DmaMemory;
  /** The driver is ready (DRIVER_OK) and nothing is broken; else a model touches no queue. */
  readonly isRunning: boolean;
  readonly isLegacy: boolean;
  /** Offered and accepted by the driver. */
  hasFeature(bit: number): boolean;
  queue(index: number): Virtqueue;
  /** Raises the used-ring interrupt if the driver wants one for what was pushed. */
  interrupt(queueIndex: number): void;
}
