/**
 * The packages as a stranger gets them. Each is packed, installed with its dependencies in an empty
 * folder outside the workspace, type-checked there by TypeScript (NodeNext and bundler, libraries
 * included), and its README's example is run and its output compared. Then `pnpm publish --dry-run`
 * a package, and `changeset version` on a copy of the workspace.
 * One check a package and kind; ends with counts, written to build/consumer-summary.json too.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { readExample } from './lib/readme.mjs';
import { BUILD_FOLDER, installAndBuild, ROOT, toolEnvironment } from './lib/workspace.mjs';

const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
const TIMEOUT_MS = 120_000;

/**
 * @typedef {object} Package
 * @property {string} name
 * @property {string} folder
 * @property {readonly string[]} dependencies those in this workspace
 * @property {Readonly<Record<string, string>>} bin
 * @property {string} [tarball]
 */

/** @type {string[]} */
const failures = [];
let passed = 0;

const steps = await installAndBuild();
if (!steps.every((step) => step.isOk)) process.exit(1);
const work = mkdtempSync(join(tmpdir(), 'casmotion-consumer-'));
try {
  const packages = readPackages();
  for (const each of packages) check(`pack ${each.name}`, () => pack(each));
  for (const each of packages) check(`use ${each.name}`, () => useOutside(each, packages));
  for (const each of packages) check(`publish ${each.name}`, () => publish(each));
  check('changeset version', versionCopy);
} finally {
  rmSync(work, { recursive: true, force: true });
}
mkdirSync(BUILD_FOLDER, { recursive: true });
const summary = { passed, failed: failures.length, failures };
writeFileSync(
  join(BUILD_FOLDER, 'consumer-summary.json'),
  `${JSON.stringify(summary, null, 2)}\n`,
);
console.log(`consumer test: ${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 ? 0 : 1;

/**
 * @param {string} name
 * @param {() => void} run throws with what went wrong
 */
function check(name, run) {
  try {
    run();
    passed++;
    console.log(`  ok      ${name}`);
  } catch (error) {
    failures.push(name);
    console.log(`  FAILED  ${name}\n${error instanceof Error ? error.message : error}`);
  }
}

/** @returns {Package[]} the packages of this workspace that are published */
function readPackages() {
  const folders = ['packages', 'apps'].flatMap((parent) => {
    const folder = join(ROOT, parent);
    return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  });
  const manifests = folders.flatMap((folder) => {
    const file = join(folder, 'package.json');
    return existsSync(file) ? [{ folder, ...JSON.parse(readFileSync(file, 'utf8')) }] : [];
  });
  const names = new Set(manifests.map(({ name }) => name));
  return manifests
    .filter((manifest) => manifest.private !== true)
    .map(({ name, folder, dependencies = {}, bin = {} }) => ({
      name,
      folder,
      dependencies: Object.keys(dependencies).filter((dependency) => names.has(dependency)),
      bin: typeof bin === 'string' ? { [basename(name)]: bin } : bin,
    }));
}

/** @param {Package} target */
function pack(target) {
  const to = join(work, 'tarballs', basename(target.folder));
  mkdirSync(to, { recursive: true });
  run('pnpm', ['pack', '--pack-destination', to], target.folder);
  const file = readdirSync(to).find((name) => name.endsWith('.tgz'));
  if (file === undefined) throw new Error('no tarball was written');
  target.tarball = join(to, file);
}

/**
 * @param {Package} target
 * @param {readonly Package[]} packages
 */
function useOutside(target, packages) {
  const folder = join(work, 'consumers', basename(target.folder));
  mkdirSync(folder, { recursive: true });
  const needed = closure(target, packages);
  const entries = needed.map(({ name, tarball }) => [name, `file:${tarball}`]);
  const dependencies = Object.fromEntries(entries);
  const manifest = { name: 'consumer', private: true, type: 'module', dependencies };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'];
  run('npm', ['install', ...quiet, '--loglevel=error'], folder);
  for (const name of Object.keys(target.bin)) {
    run(process.execPath, [join(folder, 'node_modules', '.bin', name), '--help'], folder);
  }
  if (Object.keys(target.bin).length === 0) runExample(target, folder);
}

/**
 * @param {Package} target
 * @param {string} folder
 */
function runExample(target, folder) {
  const example = readExample(readFileSync(join(target.folder, 'README.md'), 'utf8'));
  if (example === undefined) throw new Error('its README has no block fenced as "ts example"');
  writeFileSync(join(folder, 'example.ts'), example.code);
  for (const [module, moduleResolution] of /** @type {const} */ ([
    ['ESNext', 'Bundler'],
    ['NodeNext', 'NodeNext'],
  ])) {
    writeFileSync(join(folder, 'tsconfig.json'), tsconfig(module, moduleResolution));
    run(process.execPath, [TSC, '-p', folder], folder);
  }
  const found = run(process.execPath, [join('out', 'example.js')], folder);
  if (example.output !== undefined && found !== example.output) {
    throw new Error(`it prints\n${found}and its README says\n${example.output}`);
  }
}

/**
 * @param {string} module
 * @param {string} moduleResolution
 */
function tsconfig(module, moduleResolution) {
  return JSON.stringify({
    compilerOptions: {
      module,
      moduleResolution,
      target: 'ES2022',
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      typeRoots: [join(ROOT, 'node_modules', '@types')],
      types: ['node'],
      rootDir: '.',
      outDir: 'out',
    },
    files: ['example.ts'],
  });
}

/**
 * A package and those of this workspace that it stands on: they are in no registry yet.
 * @param {Package} target
 * @param {readonly Package[]} packages
 * @returns {Package[]}
 */
function closure(target, packages) {
  /** @type {Set<Package>} */
  const found = new Set();
  /** @param {Package} each */
  const add = (each) => {
    if (found.has(each)) return;
    found.add(each);
    packages.filter(({ name }) => each.dependencies.includes(name)).forEach(add);
  };
  add(target);
  return [...found];
}

/** @param {Package} target */
function publish(target) {
  run('pnpm', ['publish', '--dry-run', '--no-git-checks'], target.folder);
}

/** Every package named in a changeset gets its version and its changelog. */
function versionCopy() {
  const copy = join(work, 'copy');
  cpSync(ROOT, copy, {
    recursive: true,
    filter: (path) => !/^(node_modules|dist|build|tmp|\.git|\.turbo)$/.test(basename(path)),
  });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const changeset = "---\n'@casmotion/base': minor\n---\n\nA change.\n";
  writeFileSync(join(copy, '.changeset', 'consumer-test.md'), changeset);
  const author = ['-c', 'user.name=consumer', '-c', 'user.email=consumer@localhost'];
  run('git', ['init', '-q'], copy);
  run('git', ['add', '-A'], copy);
  run('git', [...author, 'commit', '-q', '-m', 'copy'], copy);
  run(process.execPath, [join(copy, 'node_modules/@changesets/cli/bin.js'), 'version'], copy);
  const version = (/** @type {string} */ root) =>
    JSON.parse(readFileSync(join(root, 'packages/base/package.json'), 'utf8')).version;
  const changelog = join(copy, 'packages/base/CHANGELOG.md');
  if (version(copy) === version(ROOT)) throw new Error('the version did not change');
  if (!readFileSync(changelog, 'utf8').includes('A change.')) throw new Error('no changelog');
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} cwd
 * @returns {string} its standard output; throws with all output if it fails
 */
function run(command, args, cwd) {
  const env = { ...toolEnvironment(), npm_config_yes: 'true' };
  const options = /** @type {const} */ ({ cwd, env, encoding: 'utf8', timeout: TIMEOUT_MS });
  const { status, stdout, stderr, error } = spawnSync(command, [...args], options);
  if (status !== 0) {
    throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? ''}\n${stdout}${stderr}`);
  }
  return stdout;
}
