/**
 * Rules of any text: sizes, file names, reasons for what is left undone, and nothing of the
 * machine that it was written on. Hosts and paths are asked of that machine when tidy runs, so that
 * none has to be named here.
 */
import { posix } from 'node:path';
import { COLUMNS_MAX, CUSTOMARY_NAMES, FILE_LINES_MAX, LONG_FILES } from './rules.ts';
import { isGenerated, type Tree, type Violation } from './tree.ts';

/** What the machine at hand is called: none of it belongs into the repository. */
export interface MachineNames {
  /** Hosts that package managers are set to, with a port where there is one. */
  readonly registryHosts: readonly string[];
  /** Absolute folders: the repository's own, and the home folder. */
  readonly folders: readonly string[];
}

export function checkTexts(tree: Tree, machine: MachineNames): Violation[] {
  return [...tree].flatMap(([path, text]) => {
    const lines = text.split('\n');
    const found = [
      ...checkName(path),
      ...checkMachineNames(path, lines, machine),
      ...checkEscapes(path, lines),
    ];
    if (isCode(path) && !isGenerated(text)) {
      found.push(...checkSizes(path, lines), ...checkUndone(path, lines));
    }
    return found;
  });
}

function checkName(path: string): Violation[] {
  const name = posix.basename(path);
  if (!/\.([mc]?[jt]sx?|md|json|ya?ml)$/.test(name) || CUSTOMARY_NAMES.has(name)) return [];
  if (/^\.?[a-z0-9]+([.-][a-z0-9]+)*$/.test(name)) return [];
  return [violation(path, 1, 'file-name', `${name} is not kebab-case`, 'kebab-case')];
}

function checkSizes(path: string, lines: readonly string[]): Violation[] {
  const found: Violation[] = [];
  const count = lines.at(-1) === '' ? lines.length - 1 : lines.length;
  if (count > FILE_LINES_MAX && !LONG_FILES.has(path)) {
    const what = `${count} lines, more than ${FILE_LINES_MAX}`;
    const instead = 'modules by topic, or a reason in LONG_FILES of scripts/tidy/rules.ts';
    found.push(violation(path, 1, 'file-length', what, instead));
  }
  lines.forEach((line, index) => {
    const columns = [...line].length;
    if (columns <= COLUMNS_MAX) return;
    const what = `${columns} columns, more than ${COLUMNS_MAX}`;
    found.push(violation(path, index + 1, 'line-length', what, 'two lines'));
  });
  return found;
}

/** What is left undone says why: a mark, a colon or parentheses, and the reason. */
function checkUndone(path: string, lines: readonly string[]): Violation[] {
  return lines.flatMap((line, index) => {
    const mark = UNDONE.exec(line);
    if (mark === null || REASON.test(line.slice(mark.index + mark[0].length))) return [];
    const what = `${mark[1]} without its reason`;
    return [violation(path, index + 1, 'undone', what, `${mark[1]}: what is missing and why`)];
  });
}

function checkMachineNames(
  path: string,
  lines: readonly string[],
  { registryHosts, folders }: MachineNames,
): Violation[] {
  const rows = [
    ...registryHosts.map((name) => ({ name, what: 'the registry that this machine uses' })),
    ...folders.map((name) => ({ name: `${name}/`, what: 'a folder of this machine' })),
  ];
  return lines.flatMap((line, index) =>
    rows.flatMap(({ name, what }) => {
      if (!line.includes(name)) return [];
      const instead = 'ask the package manager, or take a path relative to the repository';
      return [violation(path, index + 1, 'machine-name', `names ${what} (${name})`, instead)];
    }),
  );
}

/** `../` from a file at the top, or enough of them from anywhere, points out of the repository. */
function checkEscapes(path: string, lines: readonly string[]): Violation[] {
  return lines.flatMap((line, index) =>
    (line.match(/(?<![\w./*])(\.\.\/)+[\w-]+/g) ?? []).flatMap((relative) => {
      const target = posix.join(posix.dirname(path), relative);
      if (!target.startsWith('..')) return [];
      const what = `${relative} is outside the repository`;
      return [violation(path, index + 1, 'outside', what, 'say it in the repository itself')];
    }),
  );
}

function isCode(path: string): boolean {
  return /\.([mc]?[jt]sx?|c|h|S|ld|sh|v)$/.test(path) || path === '.ci/run';
}

function violation(
  path: string,
  line: number,
  rule: string,
  what: string,
  instead: string,
): Violation {
  return { path, line, rule, what, instead };
}

/** In a comment: after `//`, `/*`, `(*` or `#` and a space, or a leading `*`. */
const UNDONE = /(?:(?:\/[/*]|\(\*|#)\s|^\s*\*\s).*?\b(TODO|FIXME|XXX)\b/;
const REASON = /^(\([^)]{5,}\)|:? \S.{9,})/;
