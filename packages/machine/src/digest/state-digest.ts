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
  /** Undefined before `enable`, and after `forget` until the next use. */
  #known: readonly PageDigest[] | undefined;
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
    this.#hashAnew();
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
    const known = this.#known;
    const ramSum = known === undefined ? this.#hashAnew() : this.#core.updateRamSum();
    known?.forEach((pages, i) => pages.update(this.#disks[i]?.takeWrittenPages() ?? []));
    this.#core.beginEpoch();
    const diskSums = (this.#known ?? []).map(({ sum }) => sum);
    return this.#combine(ramSum, diskSums, state);
  }

  /** Hashes these pages, whatever is known of them. Changes nothing. */
  digestAll(state: Uint8Array, scope: PageScope): Uint8Array {
    const sums = this.#createPages().map((pages, i) =>
      pages.sumOf(this.#disks[i]?.pages.keys() ?? []),
    );
    return this.#combine(this.#core.sumRam(scope), sums, state);
  }

  /** All pages that can count: those ever written. Gives the sum of RAM. */
  #hashAnew(): Uint8Array {
    const known = this.#createPages();
    this.#disks.forEach((disk, i) => {
      disk.takeWrittenPages();
      known[i]?.update(disk.pages.keys());
    });
    this.#known = known;
    return this.#core.rebuildRamSum();
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
