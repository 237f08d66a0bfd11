/** Fills slots of decoded pages from guest memory, on demand of the interpreter. */
import { PSEUDO } from './hart/code-pages.ts';
import {
  DECODED_PAGE_BYTES,
  type MemoryPlan,
  PAGE_BYTES,
  SLOT,
  SLOT_BYTES,
} from './hart/layout.ts';
import { STRADDLE_MEMO_OFFSET } from './interpreter/pseudo-handlers.ts';
import { isCompressed } from './isa/compressed.ts';
import { decodeInto, endsRun } from './isa/decode.ts';

export class Decoder {
  readonly #view: DataView;
  readonly #plan: MemoryPlan;

  constructor(buffer: ArrayBuffer, plan: MemoryPlan) {
    this.#view = new DataView(buffer);
    this.#plan = plan;
  }

  /** Decodes the slot at `slot` and those after it that follow in sequence. */
  decode(slot: number, decodedPage: number): void {
    const view = this.#view;
    const host = this.hostOf(decodedPage);
    let at = slot;
    for (let count = 0; count < SEQUENCE_MAX; count++) {
      const offset = (at - decodedPage) / (SLOT_BYTES / 2);
      if (offset >= PAGE_BYTES || view.getUint16(at + SLOT.handler, true) !== PSEUDO.decode) return;
      const low = view.getUint16(host + offset, true);
      if (!isCompressed(low) && offset === PAGE_BYTES - 2) {
        view.setUint16(decodedPage + STRADDLE_MEMO_OFFSET + SLOT.rs2, 0, true);
        view.setUint16(at + SLOT.handler, PSEUDO.straddle, true);
        return;
      }
      const word = isCompressed(low) ? low : view.getUint32(host + offset, true);
      const handler = decodeInto(view, at, word);
      view.setUint16(at + SLOT.handler, handler, true);
      if (endsRun(handler)) return;
      at += isCompressed(low) ? SLOT_BYTES : 2 * SLOT_BYTES;
    }
  }

  /**
   * Decodes an instruction that straddles two pages: fields to its slot, word and handler to the
   * memo.
   */
  decodeStraddle(slot: number, memo: number, word: number): void {
    const handler = decodeInto(this.#view, slot, word);
    this.#view.setInt32(memo + SLOT.imm, word, true);
    this.#view.setUint16(memo + SLOT.rs2, handler, true);
  }

  /** Host address of the guest page that a decoded page belongs to. */
  hostOf(decodedPage: number): number {
    const { decodedPool, decodedOwner, ramPages, ram, rom } = this.#plan;
    const index = (decodedPage - decodedPool) / DECODED_PAGE_BYTES;
    const page = this.#view.getUint32(decodedOwner + index * 4, true) - 1;
    return page < ramPages ? ram + page * PAGE_BYTES : rom + (page - ramPages) * PAGE_BYTES;
  }
}

/** Decoding ahead stops here; what is behind is decoded when it is reached. */
const SEQUENCE_MAX = 64;
