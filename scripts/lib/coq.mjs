/**
 * Reading Coq's sources and answers, as far as the check of `proof/` needs it. No Coq is needed
 * here.
 */

/**
 * Words that leave a hole in a proof, or that a proof could be bought with. Variables and
 * hypotheses of a section are none: Coq turns them into conditions of the theorem.
 */
const FORBIDDEN = new RegExp(
  String.raw`\b(Admitted|admit|Axioms?|Parameters?|Conjectures?|give_up|bypass_check|` +
    String.raw`Unset\s+(Guard|Positivity|Universe)\s+Checking|Abort|Fail)\b`,
);

/** What counts as a theorem: all of it is asked for its assumptions. */
const STATEMENT = /^\s*(?:#\[[^\]]*\]\s*)?(Theorem|Lemma|Corollary|Example)\s+([A-Za-z_][\w']*)/;

/**
 * Comments replaced by blanks, line by line; they nest. A string cannot hold a comment here, as the
 * proofs have no strings.
 * @param {string} source
 */
export function withoutComments(source) {
  let depth = 0;
  let text = '';
  for (let at = 0; at < source.length; at++) {
    const pair = source.slice(at, at + 2);
    const isMark = pair === '(*' || (pair === '*)' && depth > 0);
    if (isMark) {
      depth += pair === '(*' ? 1 : -1;
      text += '  ';
      at++;
    } else text += depth === 0 || source[at] === '\n' ? source[at] : ' ';
  }
  return text;
}

/**
 * Where a source has a word that no finished proof has.
 * @param {string} source
 * @returns {{ line: number, word: string }[]} lines from 1
 */
export function findHoles(source) {
  return withoutComments(source)
    .split('\n')
    .flatMap((text, index) => {
      const word = FORBIDDEN.exec(text)?.[1];
      return word === undefined ? [] : [{ line: index + 1, word }];
    });
}

/**
 * Names of all theorems, lemmas, corollaries and examples, with the modules they stand in.
 * @param {string} source
 * @returns {string[]} `name` or `Module.name`
 */
export function theoremNames(source) {
  /** @type {{ name: string, isModule: boolean }[]} */
  const open = [];
  /** @type {string[]} */
  const names = [];
  for (const line of withoutComments(source).split('\n')) {
    const start = /^\s*(Module|Section)\s+(\w+)\s*\./.exec(line);
    if (start !== null) open.push({ name: start[2] ?? '', isModule: start[1] === 'Module' });
    if (/^\s*End\s+\w+\s*\./.test(line)) open.pop();
    const name = STATEMENT.exec(line)?.[2];
    if (name === undefined) continue;
    const modules = open.filter((each) => each.isModule).map((each) => each.name);
    names.push([...modules, name].join('.'));
  }
  return names;
}

/**
 * The theorem or lemma whose statement or proof a line belongs to.
 * @param {string} source
 * @param {number} line from 1
 */
export function theoremAt(source, line) {
  const lines = withoutComments(source).split('\n').slice(0, line);
  const last = lines.findLast((text) => STATEMENT.test(text)) ?? '';
  return STATEMENT.exec(last)?.[2];
}

/**
 * The theorems that a README's tables promise: rows whose second cell links to a `.v` file.
 * @param {string} readme
 * @returns {{ name: string, file: string }[]}
 */
export function promisedTheorems(readme) {
  return [...readme.matchAll(/^\|([^|\n]+)\| *\[(\w+\.v)\]/gm)].flatMap((row) =>
    [...(row[1] ?? '').matchAll(/`([\w.']+)`/g)].map((name) => ({
      name: name[1] ?? '',
      file: row[2] ?? '',
    })),
  );
}

/**
 * A Coq source that prints the assumptions of each theorem after a line `@@ name`.
 * @param {readonly { file: string, name: string }[]} theorems `file` without `.v`
 */
export function assumptionsSource(theorems) {
  const files = [...new Set(theorems.map(({ file }) => file))];
  const lines = files.map((file) => `From CASMotion Require ${file}.`);
  for (const { file, name } of theorems) {
    lines.push(`Goal True. idtac "@@ ${file}.${name}". exact I. Qed.`);
    lines.push(`Print Assumptions CASMotion.${file}.${name}.`);
  }
  return `${lines.join('\n')}\n`;
}

/**
 * Reads what Coq printed for it.
 * @param {string} output
 * @returns {Map<string, string>} by theorem, what Coq says of its assumptions
 */
export function readAssumptions(output) {
  const parts = output.split(/^@@ /m).slice(1);
  return new Map(
    parts.map((part) => {
      const [name = '', ...rest] = part.split('\n');
      return [name.trim(), rest.join('\n').trim()];
    }),
  );
}

/** What Coq says where there is nothing to assume. */
export const CLOSED = 'Closed under the global context';
