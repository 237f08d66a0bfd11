/**
 * The digest of the whole state: xxh128 over the sum of RAM's pages, the sum of each disk's
 * overlay, and all other state as bytes. Cheap where few pages changed since the last one
 * (`update`), or over everything, whatever dirty tracking says (`digestAll`); both give the same.
 */
import { assert, type Hashes } from '@casmotion/base';
import type { CoreInterface, PageScope } from '@casmotion/cpu-core';
import type { OverlayStore } from '@casmotion/devices';
import { diskPageNumber } from '../machine-interface.ts';
import { PageDigest } from './page-digest.ts';

export class StateDigest {
  readonly #hashes: Hashes;
  readonly #core: CoreInterface;
  readonly #disks: readonly OverlayStore[];
  /** Of the disks; undefined before `enable`, and after `forget` until the next use. */
  #known: readonly PageDigest[] | undefined;
  #isEnabled = false;

  constructor(hashes: Hashes, core: CoreInterface, disks: readonly OverlayStore[]) {
    this.#hashes = hashes;
    this.#core = core;
    this.#disks = disks;
  }

  /** Hashes what there is; from here on only what is written. */
  enable(): void {
    if (this.#isEnabled) return;
    this.#isEnabled = true;
    this.#core.updateRamSum();
    this.#core.beginEpoch();
    this.#known = this.#hashDisks();
  }

  /**
   * Overlays were replaced as a whole: what is known of their pages is worthless. RAM was written,
   * and the core knows where.
   */
  forget(): void {
    this.#known = undefined;
  }

  /**
   * Hashes the pages written since the last call; `state` is all that is not in pages. Needs
   * `enable`.
   */
  update(state: Uint8Array): Uint8Array {
    assert(this.#isEnabled, 'landmark before enableLandmarks');
    const ramSum = this.#core.updateRamSum();
    this.#core.beginEpoch();
    this.#known?.forEach((pages, i) => pages.update(this.#disks[i]?.takeWrittenPages() ?? []));
    this.#known ??= this.#hashDisks();
    const diskSums = this.#known.map(({ sum }) => sum);
    return this.#combine(ramSum, diskSums, state);
  }

  /** Hashes these pages, whatever is known of them. Changes nothing. */
  digestAll(state: Uint8Array, scope: PageScope): Uint8Array {
    const sums = this.#createPages().map((pages, i) =>
      pages.sumOf(this.#disks[i]?.pages.keys() ?? []),
    );
    return this.#combine(this.#core.sumRam(scope), sums, state);
  }

  /** All of their pages. */
  #hashDisks(): readonly PageDigest[] {
    const digests = this.#createPages();
    this.#disks.forEach((disk, i) => {
      disk.takeWrittenPages();
      digests[i]?.update(disk.pages.keys());
    });
    return digests;
  }

  /** One a disk. */
  #createPages(): PageDigest[] {
    const hash = (number: number, content: Uint8Array) => this.#core.hashPage(number, content);
    return this.#disks.map(
      (disk, i) => new PageDigest(hash, diskPageNumber(i, 0), (page) => disk.pages.get(page)),
    );
  }

  #combine(ramSum: Uint8Array, diskSums: readonly Uint8Array[], state: Uint8Array): Uint8Array {
    return this.#hashes.xxh128(ramSum, ...diskSums, state).slice();
  }
}
