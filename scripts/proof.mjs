/**
 * Checks `proof/` with Coq: compiles every file from clean, asks for the assumptions of every
 * theorem (there must be none), and runs the negative tests: each weakened premise must make a
 * proof fail with the words expected, and each canary must be reported. One line a check; counts in
 * build/proof-summary.json. Exits with 1 if anything failed.
 *
 *   node scripts/proof.mjs
 *
 * Needs Debian's `coq` (coqc and coqdep), 8.16 or newer; nothing of the workspace.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  assumptionsSource,
  CLOSED,
  findHoles,
  promisedTheorems,
  readAssumptions,
  theoremAt,
  theoremNames,
} from './lib/coq.mjs';
import { BUILD_FOLDER, ROOT } from './lib/workspace.mjs';

const SOURCES = join(ROOT, 'proof');
const NEGATIVE = join(SOURCES, 'negative');
const WORK = join(BUILD_FOLDER, 'proof');
const MUTANT = join(BUILD_FOLDER, 'proof-weakened');
const SUMMARY = join(BUILD_FOLDER, 'proof-summary.json');
const TIMEOUT_MS = 240_000;
const LIBRARY = ['-Q', '.', 'CASMotion'];

/**
 * A premise made weaker, or another condition: a change of one file, and where that must show.
 * @typedef {object} Mutant
 * @property {string} name
 * @property {string} file
 * @property {string} replace stands in the file exactly once
 * @property {string} by
 * @property {string} failsIn the file that then must not compile
 * @property {string} proof of which theorem or lemma it is that fails
 * @property {string} with words of Coq's error
 */

/** @type {string[]} */
const failures = [];
let passed = 0;

mkdirSync(BUILD_FOLDER, { recursive: true });
for (const path of [SUMMARY, WORK, MUTANT]) rmSync(path, { recursive: true, force: true });
if (hasCoq()) {
  const files = sourceFiles(SOURCES);
  copySources(files, WORK);
  const order = dependencyOrder(files);
  if (compileAll(order)) {
    checkTheorems(order);
    for (const file of sourceFiles(NEGATIVE)) checkCanary(file);
    for (const mutant of readMutants()) checkMutant(mutant, order);
  }
}
finish();

function hasCoq() {
  const { status, stdout } = coq('coqc', ['--version'], ROOT);
  if (status === 0) {
    console.log(stdout.split('\n')[0]);
    return true;
  }
  fail('coqc is not installed', 'Next: apt-get install --no-install-recommends coq');
  return false;
}

/** @param {readonly string[]} order */
function compileAll(order) {
  return order.every((file) => {
    const start = process.hrtime.bigint();
    const { status, output } = compile(WORK, file);
    const seconds = Number((process.hrtime.bigint() - start) / 1_000_000n) / 1000;
    if (status === 0) pass(`${file} compiles (${seconds.toFixed(1)} s)`);
    else fail(`${file} does not compile`, output);
    return status === 0;
  });
}

/**
 * No hole in the text, none behind any theorem, and the theorems that the README promises.
 * @param {readonly string[]} order
 */
function checkTheorems(order) {
  for (const file of order) {
    const holes = findHoles(readFileSync(join(WORK, file), 'utf8'));
    const places = holes.map(({ line, word }) => `${file}:${line}: ${word}`);
    if (places.length > 0) fail(`${file} leaves something unproved`, places.join('\n'));
  }
  const theorems = order.flatMap((file) => {
    const names = theoremNames(readFileSync(join(WORK, file), 'utf8'));
    return names.map((name) => ({ file: basename(file, '.v'), name }));
  });
  const found = assumptionsOf(theorems, 'Assumptions.v');
  for (const [name, says] of found) {
    if (says !== CLOSED) fail(`${name} rests on assumptions`, says);
  }
  const isAll = found.size === theorems.length && theorems.length > 0;
  if (!isAll) fail('not every theorem was asked', `${found.size} of ${theorems.length}`);
  const isClosed = isAll && [...found.values()].every((says) => says === CLOSED);
  if (isClosed) pass(`${found.size} theorems and lemmas: ${CLOSED.toLowerCase()}`);
  for (const { name, file } of promisedTheorems(readFileSync(join(SOURCES, 'README.md'), 'utf8'))) {
    const says = found.get(`${basename(file, '.v')}.${name}`);
    if (says === CLOSED) pass(`${file}: ${name}`);
    else fail(`${file}: ${name}`, says ?? 'proof/README.md names it; it is not there');
  }
}

/**
 * A file that assumes something must be seen to do so.
 * @param {string} file
 */
function checkCanary(file) {
  // A module's name is an identifier; a canary's file is named like all others.
  const name = `Canary_${basename(file, '.v').replaceAll('-', '_')}`;
  const text = readFileSync(join(NEGATIVE, file), 'utf8');
  writeFileSync(join(WORK, `${name}.v`), text);
  const { status, output } = compile(WORK, `${name}.v`);
  if (status !== 0) return fail(`canary ${file} does not compile`, output);
  const theorems = theoremNames(text).map((theorem) => ({ file: name, name: theorem }));
  const found = assumptionsOf(theorems, `Ask_${name}.v`);
  const isSeen = found.size > 0 && [...found.values()].every((says) => says.startsWith('Axioms:'));
  if (isSeen) return pass(`canary ${file}: its assumption is reported`);
  return fail(`canary ${file}: its assumption was not reported`, JSON.stringify([...found]));
}

/**
 * With one condition weakened the proofs that rest on it must fail, at the place expected.
 * @param {Mutant} mutant
 * @param {readonly string[]} order
 */
function checkMutant(mutant, order) {
  const title = `weakened: ${mutant.name}`;
  const text = readFileSync(join(SOURCES, mutant.file), 'utf8');
  if (text.split(mutant.replace).length !== 2) {
    return fail(title, `${mutant.file} does not hold once: ${mutant.replace}`);
  }
  rmSync(MUTANT, { recursive: true, force: true });
  cpSync(WORK, MUTANT, { recursive: true });
  writeFileSync(join(MUTANT, mutant.file), text.replace(mutant.replace, () => mutant.by));
  const affected = order.slice(order.indexOf(mutant.file), order.indexOf(mutant.failsIn) + 1);
  for (const file of affected) rmSync(join(MUTANT, `${file}o`), { force: true });
  for (const file of affected) {
    const { status, output } = compile(MUTANT, file);
    if (status === 0) continue;
    const line = Number(/line (\d+)/.exec(output)?.[1] ?? 0);
    const proof = theoremAt(readFileSync(join(MUTANT, file), 'utf8'), line);
    const place = `${file}, ${proof}`;
    const isPlace = place === `${mutant.failsIn}, ${mutant.proof}`;
    const isExpected = isPlace && flat(output).includes(flat(mutant.with));
    if (isExpected) return pass(`${title}: ${place} fails`);
    const expected = `${mutant.failsIn}, ${mutant.proof}: ${mutant.with}`;
    return fail(title, `expected in ${expected}\nfound in ${place}: ${output}`);
  }
  return fail(title, `${mutant.failsIn} still compiles`);
}

/** @returns {Mutant[]} */
function readMutants() {
  return JSON.parse(readFileSync(join(NEGATIVE, 'weakened.json'), 'utf8'));
}

/**
 * @param {readonly { file: string, name: string }[]} theorems
 * @param {string} file
 */
function assumptionsOf(theorems, file) {
  writeFileSync(join(WORK, file), assumptionsSource(theorems));
  const { status, stdout, output } = compile(WORK, file);
  if (status !== 0) fail('Coq could not be asked for assumptions', output);
  return readAssumptions(stdout);
}

/** @param {string} folder */
function sourceFiles(folder) {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.v'))
    .toSorted();
}

/**
 * @param {readonly string[]} files
 * @param {string} folder
 */
function copySources(files, folder) {
  mkdirSync(folder, { recursive: true });
  for (const file of files) cpSync(join(SOURCES, file), join(folder, file));
}

/** @param {readonly string[]} files */
function dependencyOrder(files) {
  const { status, stdout, output } = coq('coqdep', [...LIBRARY, '-sort', ...files], WORK);
  if (status !== 0) {
    fail('coqdep finds no order', output);
    return [];
  }
  const order = stdout.split(/\s+/).flatMap((path) => (path === '' ? [] : [basename(path)]));
  if (order.length !== files.length) fail('coqdep left files out', order.join(' '));
  return order;
}

/**
 * @param {string} folder
 * @param {string} file
 */
function compile(folder, file) {
  return coq('coqc', ['-q', ...LIBRARY, file], folder);
}

/**
 * @param {string} tool
 * @param {readonly string[]} args
 * @param {string} cwd
 */
function coq(tool, args, cwd) {
  const options = /** @type {const} */ ({ cwd, encoding: 'utf8', timeout: TIMEOUT_MS });
  const { status, stdout, stderr, error } = spawnSync(tool, args, options);
  const output = `${stdout ?? ''}${stderr ?? ''}${error === undefined ? '' : error.message}`;
  return { status, stdout: stdout ?? '', output };
}

/**
 * Coq breaks lines of its messages.
 * @param {string} text
 */
function flat(text) {
  return text.replaceAll(/\s+/g, ' ').trim();
}

/** @param {string} what */
function pass(what) {
  passed++;
  console.log(`  ok      ${what}`);
}

/**
 * @param {string} what
 * @param {string} why
 */
function fail(what, why) {
  failures.push(what);
  console.log(`  FAILED  ${what}\n${why.trim().replaceAll(/^/gm, '          ')}`);
}

function finish() {
  writeFileSync(SUMMARY, `${JSON.stringify({ passed, failed: failures.length, failures })}\n`);
  console.log(`proof: ${passed} passed, ${failures.length} failed`);
  process.exitCode = failures.length === 0 && passed > 0 ? 0 : 1;
}
