/**
 * What the translator tells of the regions that it makes: for people who look at its code, and for
 * the profiler. An observer changes nothing.
 */
import type { CodeReader, RegionInstruction } from '../translator/instructions.ts';
import type { Block, RegionGraph } from '../translator/region-graph.ts';

/** Called by the translator in the middle of a run: it must not touch the core. */
export interface RegionObserver {
  /** A place is hot. */
  begin?(): void;
  /** The work on it is done, whether there is a region now or not. */
  end?(): void;
  /** After `end`: a region was made. */
  made?(region: RegionReport): void;
  /** A region is no more. */
  dropped?(): void;
  /**
   * Control has left a region, and interrupts were looked at: the core's state is that of `step`.
   * Asked for when the core is made, and then called each time, which is slow.
   */
  left?(step: number): void;
}

/** A region as it was made. Addresses are guest-virtual, 0 <= address < 2^64. */
export interface RegionReport {
  /** Its place in the table of regions, which others had before and will have after it. */
  readonly tableIndex: number;
  /** The hot place. */
  readonly pc: bigint;
  /** Where it can be entered; the first is `pc`. */
  readonly entries: readonly bigint[];
  /** In the order of the code. */
  readonly blocks: readonly ReportedBlock[];
  /** The module: one function, `region`, and what it imports. */
  readonly bytes: Uint8Array;
  /** Names of the function's locals, by index. */
  readonly localNames: ReadonlyMap<number, string>;
}

export interface ReportedBlock {
  readonly address: bigint;
  /** Where its code begins: see `FunctionBody.sizeBytes`. */
  readonly codeOffset: number;
  readonly instructions: readonly ReportedInstruction[];
}

export interface ReportedInstruction {
  readonly address: bigint;
  /** As it stands in memory; of a short one the low 16 bits. */
  readonly bits: number;
  readonly sizeBytes: number;
  readonly codeOffset: number;
}

/** Where in a region's code its blocks and instructions begin, noted while it is written. */
export class RegionMarks {
  readonly blocks: {
    readonly block: Block;
    readonly codeOffset: number;
    readonly instructions: { readonly at: RegionInstruction; readonly codeOffset: number }[];
  }[] = [];

  block(block: Block, codeOffset: number): void {
    this.blocks.push({ block, codeOffset, instructions: [] });
  }

  instruction(at: RegionInstruction, codeOffset: number): void {
    this.blocks.at(-1)?.instructions.push({ at, codeOffset });
  }
}

export interface MadeRegion {
  readonly tableIndex: number;
  readonly graph: RegionGraph;
  readonly code: CodeReader;
  /** Address of the page from which offsets count. */
  readonly base: bigint;
  readonly hot: number;
  readonly marks: RegionMarks;
  readonly bytes: Uint8Array;
  readonly localNames: ReadonlyMap<number, string>;
}

export function reportRegion(region: MadeRegion): RegionReport {
  const { tableIndex, graph, code, base, hot, marks, bytes, localNames } = region;
  const addressOf = (offset: number): bigint => BigInt.asUintN(64, base + BigInt(offset));
  return {
    tableIndex,
    pc: addressOf(hot),
    entries: graph.entries.map((block) => addressOf(graph.blocks[block]?.start ?? hot)),
    blocks: marks.blocks.map(({ block, codeOffset, instructions }) => ({
      address: addressOf(block.start),
      codeOffset,
      instructions: instructions.map(({ at, codeOffset: own }) => ({
        address: addressOf(at.offset),
        bits: code.bitsOf(at),
        sizeBytes: at.sizeBytes,
        codeOffset: own,
      })),
    })),
    bytes,
    localNames,
  };
}
