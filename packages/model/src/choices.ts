/**
 * Trying every way. A body asks `choose(n)` for a number below n whenever it needs one; it is run
 * again and again until every answer to every question has been tried. A question that is never
 * asked costs nothing, and one that is answered so that the body gives up is not asked further: so
 * the body is an exhaustive search, written as if it were one example.
 */

/** A number from 0 to below `count`; `count` is at least 1. */
export type Choose = (count: number) => number;

/** Gives what `body` returns, once for every way to answer its questions, 0 first. */
export function* everyWay<T>(body: (choose: Choose) => T): Generator<T, void> {
  const answers: { given: number; readonly of: number }[] = [];
  for (;;) {
    let asked = 0;
    yield body((of) => {
      const answer = answers[asked] ?? { given: 0, of };
      answers[asked++] = answer;
      return answer.given;
    });
    // The last question that has another answer gets it; those after it are asked anew.
    answers.length = asked;
    let last = answers.pop();
    while (last !== undefined && last.given + 1 >= last.of) last = answers.pop();
    if (last === undefined) return;
    answers.push({ given: last.given + 1, of: last.of });
  }
}
