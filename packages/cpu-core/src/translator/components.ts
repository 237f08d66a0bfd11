/**
 * The strongly connected components of a graph, in an order in which every edge between two of them
 * goes forward. Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1(2),
 * 1972.
 */
export function stronglyConnectedComponents(
  nodes: readonly number[],
  successors: (node: number) => readonly number[],
): readonly (readonly number[])[] {
  const members = new Set(nodes);
  const numbers = new Map<number, number>();
  const lowest = new Map<number, number>();
  const stack: number[] = [];
  const onStack = new Set<number>();
  const components: number[][] = [];

  const visit = (node: number): void => {
    const number = numbers.size;
    numbers.set(node, number);
    lowest.set(node, number);
    stack.push(node);
    onStack.add(node);
    for (const next of successors(node)) {
      if (!members.has(next)) continue;
      if (!numbers.has(next)) {
        visit(next);
        lowest.set(node, Math.min(lowest.get(node) as number, lowest.get(next) as number));
      } else if (onStack.has(next)) {
        lowest.set(node, Math.min(lowest.get(node) as number, numbers.get(next) as number));
      }
    }
    if (lowest.get(node) !== number) return;
    const component: number[] = [];
    for (;;) {
      const member = stack.pop() as number;
      onStack.delete(member);
      component.push(member);
      if (member === node) break;
    }
    components.push(component);
  };
  for (const node of nodes) if (!numbers.has(node)) visit(node);
  return components.toReversed();
}
