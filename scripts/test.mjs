/**
 * `npm test`, on a bare machine with Node and npm: installs, builds, checks types, lints, and runs
 * all tests. Ends with a summary, written to build/test-summary.json too, and exits with 1 if
 * anything failed. With CI set, a test that was skipped because a tool is missing (its title says
 * "needs ...") has failed.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { BUILD_FOLDER, installAndBuild, ROOT, runTool, runTurbo } from './lib/workspace.mjs';

const REPORT = join(BUILD_FOLDER, 'test-report.json');
const TESTS = 'run the tests';
const SUMMARY = join(BUILD_FOLDER, 'test-summary.json');

/**
 * The part of vitest's (and Jest's) JSON report that is read here.
 * @typedef {{ fullName: string, status: string }} TestCase
 *
 * @typedef {object} TestFile
 * @property {string} name its path
 * @property {string} status
 * @property {string} [message] why it could not be run
 * @property {TestCase[]} assertionResults
 *
 * @typedef {object} Totals
 * @property {number} passed
 * @property {string[]} failed the names of tests, and files that could not be run
 * @property {string[]} skipped
 */

mkdirSync(BUILD_FOLDER, { recursive: true });
for (const file of [REPORT, SUMMARY]) rmSync(file, { force: true });

const steps = await installAndBuild();
if (steps.every((step) => step.isOk)) {
  steps.push(
    await runTool('check the types of the scripts', 'tsc7/bin/tsc', ['-p', 'scripts']),
    await runTurbo('check', 'check the types of the packages'),
    await runTool('lint: oxlint', 'oxlint/bin/oxlint', ['--type-aware']),
    await runTool('lint: house rules', 'tsx/dist/cli.mjs', ['scripts/tidy.ts']),
    await runTool('lint: workspace', 'sherif/index.js', []),
    await runTool('lint: unused files', 'knip/bin/knip.js', ['--no-config-hints']),
    await runTurbo('lint', 'lint: packages as published'),
    await runTool(TESTS, 'vitest/vitest.mjs', testArguments(), { isLive: true }),
  );
}
const totals = readTotals();
printSummary(totals);
const isOk = steps.every((step) => step.isOk) && totals.failed.length === 0 && totals.passed > 0;
writeFileSync(SUMMARY, `${JSON.stringify(summaryOf(totals), null, 2)}\n`);
process.exitCode = isOk ? 0 : 1;

/**
 * Tests, and the steps before them, each counted once.
 * @param {Totals} totals
 */
function summaryOf({ passed, failed, skipped }) {
  const others = steps.filter((step) => step.title !== TESTS);
  const okSteps = others.filter((step) => step.isOk).length;
  return {
    passed: passed + okSteps,
    failed: failed.length + others.length - okSteps,
    skipped: skipped.length,
    steps,
  };
}

function testArguments() {
  return ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${REPORT}`];
}

/** @returns {Totals} */
function readTotals() {
  /** @type {Totals} */
  const totals = { passed: 0, failed: [], skipped: [] };
  /** @type {TestFile[]} */
  let files = [];
  try {
    files = JSON.parse(readFileSync(REPORT, 'utf8')).testResults;
  } catch {
    totals.failed.push('no tests were run');
  }
  for (const { name, status, message, assertionResults } of files) {
    const path = relative(ROOT, name);
    const isBroken = !assertionResults.some((test) => test.status === 'failed');
    if (status === 'failed' && isBroken) totals.failed.push(`${path}: ${message ?? 'failed'}`);
    for (const test of assertionResults) addTest(totals, `${path} > ${test.fullName}`, test.status);
  }
  return totals;
}

/**
 * @param {Totals} totals
 * @param {string} name
 * @param {string} status
 */
function addTest(totals, name, status) {
  if (status === 'passed') totals.passed++;
  else if (status === 'failed') totals.failed.push(name);
  else if (isCi() && /\bneeds\b/.test(name)) totals.failed.push(`${name} (skipped: absent in CI)`);
  else totals.skipped.push(name);
}

function isCi() {
  const value = process.env['CI'] ?? '';
  return value !== '' && value !== 'false' && value !== '0';
}

/** @param {Totals} totals */
function printSummary({ passed, failed, skipped }) {
  console.log('\nsummary');
  for (const { title, isOk, seconds } of steps) {
    console.log(`  ${isOk ? 'ok    ' : 'FAILED'}  ${title.padEnd(34)} ${seconds.toFixed(1)} s`);
  }
  for (const name of skipped) console.log(`  skipped  ${name}`);
  for (const name of failed) console.log(`  failed   ${name}`);
  console.log(`  tests: ${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
}
