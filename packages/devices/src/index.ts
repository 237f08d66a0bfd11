/** @casmotion/devices: deterministic device models. */
export type { AccessSize, Device, DmaMemory, InterruptLine, MachineClock } from './device.ts';
export { Aclint, type AclintHart } from './aclint/aclint.ts';
export { ACLINT_WINDOW_BYTES, TIMEBASE_HZ } from './aclint/registers.ts';
export { absentPeerResult } from './event-channel/awaited-call.ts';
export { EventChannel, type EventChannelOptions } from './event-channel/event-channel.ts';
export type { TimeSource } from './event-channel/guest-time.ts';
export type { OperationArguments } from './event-channel/operation-frames.ts';
export type { PortStatus } from './event-channel/port-table.ts';
export { EVENT_CHANNEL_PORTS, EVENT_CHANNEL_WINDOW_BYTES } from './event-channel/registers.ts';
export { Plic } from './plic/plic.ts';
export { PLIC_SOURCES, PLIC_WINDOW_BYTES } from './plic/registers.ts';
export { GoldfishRtc } from './rtc/goldfish-rtc.ts';
export { RTC_WINDOW_BYTES } from './rtc/registers.ts';
export { FINISHER_WINDOW_BYTES } from './test-finisher/registers.ts';
export { TestFinisher, type Finish } from './test-finisher/test-finisher.ts';
export { UART_CLOCK_HZ, UART_WINDOW_BYTES } from './uart/registers.ts';
export { Uart, type ByteOutput } from './uart/uart.ts';
export type { VirtioHost, VirtioModel } from './virtio/model.ts';
export { VIRTIO_MMIO_WINDOW_BYTES } from './virtio/registers.ts';
export { VirtioMmio, type VirtioMmioOptions } from './virtio/virtio-mmio.ts';
export {
  MemoryImage,
  OVERLAY_PAGE_BYTES,
  OverlayStore,
  type BlockImage,
  type BlockStore,
  type StatefulBlockStore,
} from './virtio-blk/block-store.ts';
export {
  BLK_BYTES_PER_TICK,
  BLK_LATENCY_TICKS,
  VirtioBlk,
  type VirtioBlkOptions,
} from './virtio-blk/virtio-blk.ts';
export { VirtioConsole } from './virtio-console/virtio-console.ts';
export { ExternalBackend, LoopbackBackend, type NetBackend } from './virtio-net/backend.ts';
export { VirtioNet } from './virtio-net/virtio-net.ts';
export { VirtioRng, type EntropySource } from './virtio-rng/virtio-rng.ts';
