/**
 * From a graph of blocks to structured control flow. A loop is a strongly connected component; once
 * the edges back to its headers are cut, what is left of it is a sequence of smaller components in
 * which every edge goes forward, to the end of an enclosing block. After Tarjan, SIAM J. Comput.
 * 1(2), 1972, and Ramsey, "Beyond Relooper", ICFP 2022; a loop of several headers begins with a
 * dispatch instead of being split.
 */
import type { FunctionBody, Label, Local } from '@casmotion/wasm-asm';
import { stronglyConnectedComponents } from './components.ts';

/** Where a branch to a block goes. */
interface Place {
  readonly label: Label;
  /** The number by which the loop at `label` knows the block, if it has several headers. */
  readonly dispatch: number | undefined;
}

export interface Graph {
  readonly blocks: readonly number[];
  readonly successors: (block: number) => readonly number[];
  /** Writes the code of a block, which ends in branches: by `branchTo` or out of the graph. */
  readonly writeBlock: (block: number) => void;
}

/** Code around the entries. */
export interface EntryHooks {
  /** Before all: a branch to `again` looks at the selector anew. */
  open(again: Label): void;
  /** Written on the way to an entry. */
  enter(block: number): void;
  /** Written for a selector that is no entry's; ends in a branch. Undefined: there is none such. */
  readonly otherwise: (() => void) | undefined;
}

export class Structure {
  readonly #f: FunctionBody;
  readonly #graph: Graph;
  /** Header to go to next, where a loop has several. */
  readonly #header: Local<'i32'>;
  readonly #places = new Map<number, Place>();

  constructor(f: FunctionBody, graph: Graph) {
    this.#f = f;
    this.#graph = graph;
    this.#header = f.local('i32', 'header');
  }

  /** Writes all blocks, begun at `entries[selector]`. */
  write(entries: readonly number[], selector: Local<'i32'>, hooks: EntryHooks): void {
    const { otherwise } = hooks;
    this.#f.loop((again) => {
      hooks.open(again);
      this.#sequence(this.#graph.blocks, new Set(), new Set(entries), () => {
        if (otherwise === undefined) this.#writeStubs(entries, selector, hooks, undefined);
        else {
          this.#f.block((label) => this.#writeStubs(entries, selector, hooks, label));
          otherwise();
        }
      });
    });
  }

  /** A stub an entry, where `enter` has its place and the number of a header is set. */
  #writeStubs(
    entries: readonly number[],
    selector: Local<'i32'>,
    hooks: EntryHooks,
    fallback: Label | undefined,
  ): void {
    // The number of the entry a stub leads to is the number of labels so far; the outermost is 0's.
    const stubs = (labels: readonly Label[]): void => {
      if (labels.length === entries.length) {
        const last = fallback ?? labels.at(-1);
        if (last !== labels[0]) this.#f.brTable(selector.get, labels, last as Label);
        return;
      }
      const entry = entries[labels.length] as number;
      this.#f.block((label) => stubs([...labels, label]));
      hooks.enter(entry);
      this.branchTo(entry);
    };
    stubs([]);
  }

  /** Branches to a block; good inside `writeBlock`. */
  branchTo(block: number): void {
    const place = this.#places.get(block);
    if (place === undefined) throw new Error(`no way to block ${block}`);
    if (place.dispatch !== undefined) this.#f.set(this.#header, place.dispatch);
    this.#f.br(place.label);
  }

  /**
   * The components of `blocks`, each behind the end of a block that branches to it leave. Edges
   * into `cut` are branches back to open loops; `entered` are blocks to which `writeHead` branches,
   * by `branchTo` or, if they are cut, by the labels that it is given.
   */
  #sequence(
    blocks: readonly number[],
    cut: ReadonlySet<number>,
    entered: ReadonlySet<number>,
    writeHead: (labels: ReadonlyMap<number, Label>) => void,
  ): void {
    const { successors } = this.#graph;
    const components = stronglyConnectedComponents(blocks, (block) =>
      successors(block).filter((next) => !cut.has(next)),
    );
    const headers = this.#headersOf(components, cut, entered);
    const labels = new Map<number, Label>();
    const writeUpTo = (count: number): void => {
      if (count === 0) {
        writeHead(labels);
        return;
      }
      const members = components[count - 1] as readonly number[];
      const heads = headers[count - 1] as readonly number[];
      this.#f.block((label) => {
        for (const block of members) if (entered.has(block)) labels.set(block, label);
        this.#setPlaces(heads, label);
        writeUpTo(count - 1);
      });
      this.#component(members, heads, cut);
    };
    writeUpTo(components.length);
  }

  /** A block alone, or a loop around the blocks of a component. */
  #component(members: readonly number[], heads: readonly number[], cut: ReadonlySet<number>): void {
    const [only] = members as [number];
    const isLoop = members.length > 1 || this.#graph.successors(only).includes(only);
    if (!isLoop || cut.has(only)) {
      this.#graph.writeBlock(only);
      return;
    }
    this.#f.loop((label) => {
      this.#setPlaces(heads, label);
      this.#sequence(members, new Set([...cut, ...heads]), new Set(heads), (labels) => {
        const targets = heads.map((block) => labels.get(block) as Label);
        const last = targets.at(-1) as Label;
        if (targets.length === 1) this.#f.br(last);
        else this.#f.brTable(this.#header.get, targets, last);
      });
    });
  }

  /** The blocks of each component to which there are branches from outside of it. */
  #headersOf(
    components: readonly (readonly number[])[],
    cut: ReadonlySet<number>,
    entered: ReadonlySet<number>,
  ): readonly (readonly number[])[] {
    const home = new Map<number, number>();
    components.forEach((members, i) => members.forEach((block) => home.set(block, i)));
    const headers = components.map(() => new Set<number>());
    const add = (block: number, from: number | undefined): void => {
      const to = home.get(block);
      if (to !== undefined && to !== from && !cut.has(block)) headers[to]?.add(block);
    };
    for (const block of entered) add(block, undefined);
    for (const block of home.keys()) {
      for (const next of this.#graph.successors(block)) add(next, home.get(block));
    }
    return headers.map((set) => [...set]);
  }

  #setPlaces(heads: readonly number[], label: Label): void {
    heads.forEach((block, i) => {
      this.#places.set(block, { label, dispatch: heads.length > 1 ? i : undefined });
    });
  }
}
