/**
 * The digest of the whole state: xxh128 over the sum of RAM's pages, the sum of each disk's
 * overlay, and all other state as bytes. Cheap where few pages changed since the last one
 * (`update`), or over everything, whatever dirty tracking says (`digestAll`); both give the same.
 */
import { assert, type Hashes } from '@casmotion/base';
import type { CoreInterface } from '@casmotion/cpu-core';
import type { OverlayStore } from '@casmotion/devices';
import { PAGE_SIZE_BYTES } from '../board/memory-map.ts';
import { diskPageNumber, type PageScope } from '../machine-interface.ts';
import { contentHasher, nonZeroPages, PageDigest, ramPageHasher } from './page-digest.ts';

export class StateDigest {
  readonly #hashes: Hashes;
  readonly #core: CoreInterface;
  readonly #disks: readonly OverlayStore[];
  /** Undefined before `enable`, and after `forget` until the next use. */
  #known: KnownPages | undefined;
  #isEnabled = false;

  constructor(hashes: Hashes, core: CoreInterface, disks: readonly OverlayStore[]) {
    this.#hashes = hashes;
    this.#core = core;
    this.#disks = disks;
  }

  /** Starts dirty tracking and hashes what there is. */
  enable(): void {
    if (this.#isEnabled) return;
    this.#isEnabled = true;
    this.#known = this.#hashWritten();
    this.#core.beginEpoch();
  }

  /** Memory was replaced as a whole: what is known of pages is worthless. */
  forget(): void {
    this.#known = undefined;
  }

  /**
   * Hashes the pages written since the last call; `state` is all that is not in pages. Needs
   * `enable`.
   */
  update(state: Uint8Array): Uint8Array {
    assert(this.#isEnabled, 'landmark before enableLandmarks');
    if (this.#known === undefined) {
      this.#known = this.#hashWritten();
    } else {
      this.#known.ram.update(this.#core.writtenPages());
      this.#known.disks.forEach((pages, i) =>
        pages.update(this.#disks[i]?.takeWrittenPages() ?? []),
      );
    }
    this.#core.beginEpoch();
    const { ram, disks } = this.#known;
    return this.#combine(
      ram.sum,
      disks.map(({ sum }) => sum),
      state,
    );
  }

  /** Hashes these pages, whatever is known of them. Changes nothing. */
  digestAll(state: Uint8Array, scope: PageScope): Uint8Array {
    const { ram, disks } = this.#createPages();
    const sums = disks.map((pages, i) => pages.sumOf(this.#disks[i]?.pages.keys() ?? []));
    const ramPages = scope === 'all' ? nonZeroPages(this.#core) : writtenPages(this.#core);
    return this.#combine(ram.sumOf(ramPages), sums, state);
  }

  /** All pages that can count: those ever written. */
  #hashWritten(): KnownPages {
    const pages = this.#createPages();
    pages.ram.update(writtenPages(this.#core));
    this.#disks.forEach((disk, i) => {
      disk.takeWrittenPages();
      pages.disks[i]?.update(disk.pages.keys());
    });
    return pages;
  }

  #createPages(): KnownPages {
    return {
      ram: new PageDigest(0, ramPageHasher(this.#core)),
      disks: this.#disks.map((disk, i) => {
        const hasher = contentHasher(this.#hashes, (page) => disk.pages.get(page));
        return new PageDigest(diskPageNumber(i, 0), hasher);
      }),
    };
  }

  #combine(ramSum: Uint8Array, diskSums: readonly Uint8Array[], state: Uint8Array): Uint8Array {
    return this.#hashes.xxh128(ramSum, ...diskSums, state).slice();
  }
}

/** Pages of RAM ever written since power-on, in order; all others are zero. */
function* writtenPages(core: CoreInterface): Generator<number> {
  const end = core.ram.length / PAGE_SIZE_BYTES;
  for (let page = 0; page < end; page++) if (core.wasEverWritten(page)) yield page;
}

interface KnownPages {
  readonly ram: PageDigest;
  readonly disks: readonly PageDigest[];
}
