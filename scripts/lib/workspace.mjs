/**
 * What both `npm` commands share: from a bare clone to a built workspace with Node and npm alone.
 * Plain JavaScript without dependencies, because it runs before anything is installed.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runStep } from './steps.mjs';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Where reports go: not part of the repository. */
export const BUILD_FOLDER = join(ROOT, 'build');

const MODULES = join(ROOT, 'node_modules');
const STAMP = join(MODULES, '.casmotion-install');
const NODE_MIN = [20, 19];

/**
 * Installs what the lockfile says, if that has changed since the last time, and builds everything.
 * Stops at the first failure.
 * @returns {Promise<import('./steps.mjs').StepResult[]>} the steps taken
 */
export async function installAndBuild() {
  assertNode();
  /** @type {import('./steps.mjs').StepResult[]} */
  const steps = [];
  if (!isInstalled()) {
    steps.push(await install());
    if (!steps.every((step) => step.isOk)) return steps;
  }
  steps.push(await runTurbo('build', 'build the packages'));
  return steps;
}

/**
 * One of turbo's tasks in all packages.
 * @param {string} task
 * @param {string} title
 */
export function runTurbo(task, title) {
  const args = ['run', task, '--concurrency=2', '--ui=stream', '--output-logs=new-only'];
  return runStep(title, process.execPath, [join(MODULES, 'turbo', 'bin', 'turbo'), ...args], {
    cwd: ROOT,
    env: toolEnvironment(),
  });
}

/**
 * A tool from the root's dependencies, by its file under node_modules.
 * @param {string} title
 * @param {string} file
 * @param {readonly string[]} args
 * @param {{ isLive?: boolean }} [options]
 */
export function runTool(title, file, args, options = {}) {
  const command = [join(MODULES, file), ...args];
  return runStep(title, process.execPath, command, {
    cwd: ROOT,
    env: toolEnvironment(),
    ...options,
  });
}

/** @type {NodeJS.ProcessEnv | undefined} */
let environment;

/**
 * The environment in which `pnpm` is the one that package.json asks for. turbo calls it by name,
 * and a newcomer has only npm: npx brings it, and its folder goes to the front of PATH.
 * @returns {NodeJS.ProcessEnv}
 */
export function toolEnvironment() {
  if (environment !== undefined) return environment;
  const { packageManager } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const script = 'node -p process.env.PATH';
  const args = ['--yes', `--package=${packageManager}`, '--call', script];
  const path = execFileSync('npx', args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  environment = {
    ...process.env,
    PATH: path.trim(),
    // Part of what turbo looks its outputs up by: a code cache is of one version of Node.
    CASMOTION_NODE: process.version,
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
    DO_NOT_TRACK: '1',
    ...(process.stdout.isTTY === true ? {} : { NO_COLOR: '1' }),
  };
  return environment;
}

async function install() {
  const flags = ['--frozen-lockfile', '--config.confirm-modules-purge=false'];
  const command = ['install', ...flags, '--reporter=append-only'];
  const options = { cwd: ROOT, env: toolEnvironment() };
  const step = await runStep('install the dependencies', 'pnpm', command, options);
  if (step.isOk) writeFileSync(STAMP, installDigest());
  return step;
}

function isInstalled() {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === installDigest();
}

/** Of all that an installation depends on. */
function installDigest() {
  const hash = createHash('sha256').update(process.versions.modules);
  const folders = ['packages', 'apps'].flatMap((parent) => {
    const folder = join(ROOT, parent);
    return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  });
  const manifests = [ROOT, ...folders.toSorted()].map((folder) => join(folder, 'package.json'));
  const files = [...manifests, join(ROOT, 'pnpm-lock.yaml'), join(ROOT, 'pnpm-workspace.yaml')];
  for (const file of files.filter((each) => existsSync(each))) {
    hash.update(`${file}\0`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

function assertNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = NODE_MIN;
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  const found = `Node ${process.versions.node} is too old`;
  console.error(`${found}; install Node ${NODE_MIN.join('.')} or newer.`);
  process.exit(1);
}
