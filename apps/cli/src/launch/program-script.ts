/**
 * The program as one script, and V8's bytecode for it: the build runs the program once and keeps
 * what V8 made of it (make-code-cache.ts), so that a start need not parse and compile it again.
 *
 * The file: CRC-32 of the program, CRC-32 of the rest, both little-endian; V8's data.
 *
 * Invariant: a code cache is used only as it was written, and for the program that it was made of.
 * V8 itself compares its own version, its flags, and the length of the source, and believes the
 * rest.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';

export class ProgramScript {
  readonly #script: Script;
  readonly #source: Buffer;
  readonly #cacheFile: string;

  /** Reads the program in `folder`; with `usesCache` its code cache too, if there is one to fit. */
  constructor(folder: string, { usesCache }: { readonly usesCache: boolean }) {
    const filename = join(folder, 'program.cjs');
    this.#source = readFileSync(filename);
    this.#cacheFile = join(folder, 'program.cache');
    const cachedData = usesCache ? this.#readCache() : undefined;
    // On one line, so that places in stack traces are right.
    const text = this.#source.toString('utf8');
    const wrapped = `(function (require, module, launcherUrl) {${text}\n})`;
    this.#script = new Script(wrapped, { filename, ...(cachedData && { cachedData }) });
  }

  /** Did V8 take the code cache? */
  get isCached(): boolean {
    return this.#script.cachedDataRejected === false;
  }

  /**
   * Runs the program, a new one with each call; it goes on after this returns, until `done`.
   * `launcherUrl` is what starts it again, as a thread.
   */
  run(launcherUrl: string): ProgramExports {
    const main = this.#script.runInThisContext() as Main;
    const module = { exports: {} as ProgramExports };
    main(createRequire(launcherUrl), module, launcherUrl);
    return module.exports;
  }

  /** Keeps what V8 has compiled until now. */
  writeCache(): void {
    const data = this.#script.createCachedData();
    writeFileSync(this.#cacheFile, Buffer.concat([this.#headOf(data), data]));
  }

  #readCache(): Buffer | undefined {
    let cache: Buffer;
    try {
      cache = readFileSync(this.#cacheFile);
    } catch {
      return undefined; // There is none: it is compiled as it always was.
    }
    const data = cache.subarray(HEAD_BYTES);
    return cache.subarray(0, HEAD_BYTES).equals(this.#headOf(data)) ? data : undefined;
  }

  #headOf(data: Buffer): Buffer {
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32LE(crc32(this.#source), 0);
    head.writeUInt32LE(crc32(data), 4);
    return head;
  }
}

const HEAD_BYTES = 8;

/** Of main.ts. */
export interface ProgramExports {
  readonly done: Promise<void>;
}

type Main = (
  require: NodeJS.Require,
  module: { exports: ProgramExports },
  launcherUrl: string,
) => void;
