/** @casmotion/machine: the board, and the machine that runs on it. */
export {
  drawMemoryMap,
  MEMORY_MAP,
  type MemoryRegion,
  PAGE_SIZE_BYTES,
  RAM_BASE,
  RAM_SIZE_MAX_BYTES,
  type RegionName,
  TIMEBASE_HZ,
} from './board/memory-map.ts';
export {
  BootError,
  type BootImages,
  type BootPlan,
  defaultBios,
  planBoot,
} from './boot/boot-plan.ts';
export { type BoardTreeOptions, writeBoardTree } from './boot/board-tree.ts';
export {
  ElfError,
  type ElfFile,
  type ElfSegment,
  type ElfSymbol,
  isElf,
  parseElf,
  physicalEntry,
  readSymbols,
  symbolize,
} from './boot/elf.ts';
export {
  isLinuxImage,
  type LinuxImage,
  LinuxImageError,
  parseLinuxImage,
} from './boot/linux-image.ts';
export {
  type CoreInterface,
  type CoreOptions,
  createCore,
  type Counted,
  type Engine,
  type NamedCount,
  type PageScope,
  printRegion,
  type Profile,
  Profiler,
  type RegionExits,
  type RegionObserver,
  type RegionProfile,
  type RegionReport,
} from '@casmotion/cpu-core';
export { absentPeerResult, type PortStatus } from '@casmotion/devices';
export { ringConsoleOf } from './board/board.ts';
export {
  compileModule,
  createMachine,
  type MachineOptions,
  VIRTUAL_CLOCK_SLOPE,
} from './create-machine.ts';
export { describeDisk, describeImage, ImageMismatchError, type MachineImages } from './images.ts';
export { type Machine, TimeOverflowError } from './machine.ts';
export {
  ALONE,
  type DomainConfig,
  type ImageRef,
  type MachineConfig,
  OVERCOUNT_MAX,
  type PmuConfig,
  SKID_MAX,
} from './machine-config.ts';
export {
  type CountingMachine,
  DISK_PAGES_START,
  diskPageNumber,
  type HaltResult,
  type Landmark,
  type MachineInterface,
  type MachineSnapshot,
  type Stop,
} from './machine-interface.ts';
export { checkOfDigest, EmulatedPmu, type PmuStatistics } from './pmu/emulated-pmu.ts';
