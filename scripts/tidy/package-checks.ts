/** Rules of package.json: all packages alike, their dependencies pinned and pointing down. */
import { posix } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  LAYERS,
  PACKAGE_EXPORTS,
  PACKAGE_FIELDS,
  PACKAGE_FILES,
  PACKAGE_SCRIPTS,
} from './rules.ts';
import { type Tree, type Violation, workspaceFolder } from './tree.ts';

interface Manifest {
  readonly [field: string]: unknown;
  readonly name?: string;
  readonly description?: string;
  readonly files?: readonly string[];
  readonly scripts?: Readonly<Record<string, string>>;
  readonly repository?: { readonly directory?: string };
}

type Report = (what: string, instead: string) => void;

export function checkPackages(tree: Tree): Violation[] {
  return [...tree].flatMap(([path, text]) => {
    if (!/^(packages|apps)\/[^/]+\/package\.json$/.test(path)) return [];
    const found: Violation[] = [];
    const report: Report = (what, instead) =>
      found.push({ path, line: 1, rule: 'package', what, instead });
    checkPackage(path, JSON.parse(text) as Manifest, tree, report);
    return found;
  });
}

function checkPackage(path: string, manifest: Manifest, tree: Tree, report: Report): void {
  const { folder, name } = workspaceFolder(path) ?? { folder: '', name: '' };
  if (!LAYERS.has(name)) {
    report(`${name} has no layer`, 'add it to LAYERS in scripts/tidy/rules.ts');
  }
  if (manifest.name !== `@casmotion/${name}` && folder.startsWith('packages/')) {
    report(`is named ${manifest.name}`, `@casmotion/${name}, as its folder`);
  }
  checkDependencies(name, manifest, report);
  if (folder.startsWith('packages/')) checkFields(folder, manifest, report);
  const needed = folder.startsWith('packages/')
    ? ['README.md', 'src/index.ts', 'tsconfig.json', 'tsconfig.build.json']
    : ['README.md', 'tsconfig.json'];
  for (const file of needed) {
    if (!tree.has(`${folder}/${file}`)) report(`${file} is missing`, 'as in packages/base');
  }
}

function checkFields(folder: string, manifest: Manifest, report: Report): void {
  for (const [field, expected] of Object.entries(PACKAGE_FIELDS)) {
    if (!isDeepStrictEqual(manifest[field], expected)) {
      report(`${field} is ${JSON.stringify(manifest[field])}`, JSON.stringify(expected));
    }
  }
  checkExports(folder, manifest['exports'] ?? {}, report);
  for (const entry of PACKAGE_FILES) {
    if (manifest.files?.includes(entry) !== true) report(`files lack ${entry}`, `add ${entry}`);
  }
  for (const script of PACKAGE_SCRIPTS) {
    if (manifest.scripts?.[script] !== undefined) continue;
    report(`no script ${script}`, 'as in packages/base');
  }
  if (manifest.repository?.directory !== folder) report('repository.directory is wrong', folder);
  if (manifest.description === undefined) report('no description', 'a sentence');
}

/** In this order, for the first condition that fits wins; a second door has a layer of its own. */
function checkExports(folder: string, exports: unknown, report: Report): void {
  const { '.': main, ...others } = exports as Readonly<Record<string, unknown>>;
  const expected = JSON.stringify(PACKAGE_EXPORTS['.']);
  if (JSON.stringify(main) !== expected) report('exports["."] is unlike the others', expected);
  for (const [subpath, entry] of Object.entries(others)) {
    const key = posix.join(posix.basename(folder), subpath);
    if (!LAYERS.has(key)) report(`exports ${subpath}`, 'one door, or a layer for it in LAYERS');
    const conditions = Object.keys(entry as object).join();
    const wanted = Object.keys(PACKAGE_EXPORTS['.'] as object).join();
    if (conditions !== wanted) report(`exports ${subpath} for ${conditions}`, wanted);
  }
}

function checkDependencies(name: string, manifest: Manifest, report: Report): void {
  for (const kind of ['dependencies', 'devDependencies', 'peerDependencies']) {
    const dependencies = (manifest[kind] ?? {}) as Readonly<Record<string, string>>;
    for (const [dependency, range] of Object.entries(dependencies)) {
      const target = /^@casmotion\/(.+)$/.exec(dependency)?.[1];
      if (target === undefined) {
        if (!/^\d+\.\d+\.\d+$/.test(range)) report(`${dependency} is ${range}`, 'an exact version');
        continue;
      }
      if (range !== 'workspace:^') report(`${dependency} is ${range}`, 'workspace:^');
      if ((LAYERS.get(target) ?? Infinity) >= (LAYERS.get(name) ?? 0)) {
        report(`depends on ${target}, which is no lower layer`, 'an interface in a lower layer');
      }
    }
  }
}
