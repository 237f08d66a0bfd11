/**
 * Looks at how a session's machine executes: a profile of where its steps and this host's time
 * went, and its translated regions as files. Neither is seen by the guest or the log.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VmError } from '@casmotion/base';
import {
  type ElfSymbol,
  isElf,
  type MachineOptions,
  printRegion,
  type Profile,
  Profiler,
  readSymbols,
  type RegionObserver,
  type RegionProfile,
  type RegionReport,
  symbolize,
} from '@casmotion/machine';
import { HostFileError } from '../errors.ts';
import { startHostClock } from '../live/host-clock.ts';

export interface InspectionRequest {
  readonly isProfiling: boolean;
  /** Where regions are written as text, a file each; undefined: nowhere. */
  readonly dumpFolder: string | undefined;
}

/** A profile with what only the host knows. */
export interface SessionProfile extends Profile {
  readonly regions: readonly SessionRegionProfile[];
  /** Making regions, without compiling their modules. */
  readonly translateSeconds: number;
  /**
   * In which the host's engine took modules, the core's and those of regions. It may compile their
   * functions later, when they are called first, and again in the background.
   */
  readonly compileSeconds: number;
  readonly modulesCompiled: number;
}

export interface SessionRegionProfile extends RegionProfile {
  /** Where `pc` is, by the kernel's symbols: `kfree+0x1c`. */
  readonly symbol: string | undefined;
}

export interface InspectionResult {
  readonly profile: SessionProfile | undefined;
  /** Files written; undefined: none were asked for. */
  readonly regionsDumped: number | undefined;
}

type EngineOptions = Required<Pick<MachineOptions, 'compile'>> & Pick<MachineOptions, 'engine'>;

/** Of one session. */
export class Inspection {
  readonly #profiler: Profiler | undefined;
  readonly #dumpFolder: string | undefined;
  readonly #elapsed = startHostClock();
  #symbols: readonly ElfSymbol[] = [];
  #dumped = 0;
  /** Why a file could not be written: the machine is not to be torn apart for that. */
  #failure: HostFileError | undefined;
  #begun = 0;
  #compiledBefore = 0;
  #translateNanoseconds = 0;
  #compileNanoseconds = 0;
  #modulesCompiled = 0;

  /** Makes the folder for regions. Throws `VmError`s: it cannot be made, others are in it. */
  constructor({ isProfiling, dumpFolder }: InspectionRequest) {
    this.#profiler = isProfiling ? new Profiler() : undefined;
    this.#dumpFolder = dumpFolder;
    if (dumpFolder !== undefined) prepareFolder(dumpFolder);
  }

  /** Called by the session: options of its machine, and the machine's kernel. */
  watch(engine: EngineOptions, kernel: Uint8Array | undefined): Partial<MachineOptions> {
    if (kernel !== undefined && isElf(kernel)) this.#symbols = symbolsOf(kernel);
    return {
      ...engine,
      compile: (bytes) => {
        const start = this.#elapsed();
        const module = engine.compile(bytes);
        this.#compileNanoseconds += this.#elapsed() - start;
        this.#modulesCompiled++;
        return module;
      },
      observer: this.#observer(),
      profiler: this.#profiler,
    };
  }

  /** After the session. Throws where a region could not be written. */
  finish(): InspectionResult {
    if (this.#failure !== undefined) throw this.#failure;
    return {
      profile: this.#profiler === undefined ? undefined : this.#describe(this.#profiler.profile()),
      regionsDumped: this.#dumpFolder === undefined ? undefined : this.#dumped,
    };
  }

  #observer(): RegionObserver {
    return {
      begin: () => {
        this.#begun = this.#elapsed();
        this.#compiledBefore = this.#compileNanoseconds;
      },
      end: () => {
        const compiling = this.#compileNanoseconds - this.#compiledBefore;
        this.#translateNanoseconds += this.#elapsed() - this.#begun - compiling;
      },
      made: (region) => this.#dump(region),
    };
  }

  #dump(region: RegionReport): void {
    const folder = this.#dumpFolder;
    if (folder === undefined || this.#failure !== undefined) return;
    const number = this.#dumped + 1;
    const pc = region.pc.toString(16);
    const nameOf = (address: bigint): string | undefined => symbolize(this.#symbols, address);
    const path = join(folder, `region-${String(number).padStart(4, '0')}-${pc}.wat`);
    try {
      writeFileSync(path, printRegion(`region ${number}`, region, nameOf));
      this.#dumped = number;
    } catch (cause) {
      this.#failure = new HostFileError(path, 'a region cannot be written', cause, NEXT_FOLDER);
    }
  }

  #describe(profile: Profile): SessionProfile {
    const regions = profile.regions.map((region) => ({
      ...region,
      symbol: symbolize(this.#symbols, region.pc),
    }));
    return {
      ...profile,
      regions,
      translateSeconds: this.#translateNanoseconds / 1e9,
      compileSeconds: this.#compileNanoseconds / 1e9,
      modulesCompiled: this.#modulesCompiled,
    };
  }
}

const NEXT_FOLDER = 'name another folder: --dump-regions DIR';

function prepareFolder(folder: string): void {
  let names: readonly string[];
  try {
    if (!existsSync(folder)) mkdirSync(folder);
    names = readdirSync(folder);
  } catch (cause) {
    throw new HostFileError(folder, 'regions cannot be written there', cause, NEXT_FOLDER);
  }
  const old = names.find((name) => /^region-.*\.wat$/.test(name));
  if (old !== undefined) throw new OldRegionsError(folder, old);
}

/** Names are a help: a kernel whose symbols cannot be read still runs. */
function symbolsOf(kernel: Uint8Array): readonly ElfSymbol[] {
  try {
    return readSymbols('kernel', kernel);
  } catch (error) {
    if (error instanceof VmError) return [];
    throw error;
  }
}

/** Regions of another run would be taken for those of this one. */
export class OldRegionsError extends VmError {
  override readonly name = 'OldRegionsError';
  constructor(folder: string, found: string) {
    super('the folder has regions of another run in it', {
      where: folder,
      expected: 'a folder without region-*.wat',
      found,
      next: 'remove them, or name another folder: --dump-regions DIR',
    });
  }
}
