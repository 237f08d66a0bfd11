/** The loops of a graph. */
import { stronglyConnectedComponents } from './components.ts';

export interface Loop {
  readonly members: readonly number[];
  /** In how many loops it lies, itself included. */
  readonly depth: number;
  /** Is there no loop within it? */
  readonly isInnermost: boolean;
}

/**
 * The loops of a graph, each before those within it. A loop is a strongly connected component; the
 * loops within it are what is left of it without the edges to its headers.
 */
export function findLoops(
  nodes: readonly number[],
  successors: (node: number) => readonly number[],
): readonly Loop[] {
  const loops: Loop[] = [];
  const visit = (within: readonly number[], cut: ReadonlySet<number>, depth: number): void => {
    // What repeats itself does so too where it begins a larger loop.
    const next = (node: number) => successors(node).filter((to) => to === node || !cut.has(to));
    for (const members of stronglyConnectedComponents(within, next)) {
      const [first] = members as [number];
      if (members.length === 1 && !next(first).includes(first)) continue;
      const at = loops.length;
      loops.push({ members, depth, isInnermost: true });
      if (members.length === 1) continue;
      const headers = headersOf(members, within, next);
      visit(members, new Set([...cut, ...(headers.length === 0 ? [first] : headers)]), depth + 1);
      loops[at] = { members, depth, isInnermost: loops.length === at + 1 };
    }
  };
  visit(nodes, new Set(), 1);
  return loops;
}

/** Members of a loop to which edges from outside of it lead. */
function headersOf(
  members: readonly number[],
  nodes: readonly number[],
  successors: (node: number) => readonly number[],
): readonly number[] {
  const inside = new Set(members);
  const headers = new Set<number>();
  for (const node of nodes) {
    if (inside.has(node)) continue;
    for (const to of successors(node)) if (inside.has(to)) headers.add(to);
  }
  return [...headers];
}
