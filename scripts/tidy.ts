/**
 * The house rules that no linter knows: `node --import tsx scripts/tidy.ts`. Prints one line a
 * violation, `file:line: rule: what; instead: remedy`, and exits with 1 if there is any.
 * The rules themselves are data in `tidy/rules.ts`; docs/contributing.md explains them.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkLinks } from './tidy/link-checks.ts';
import { checkPackages } from './tidy/package-checks.ts';
import { checkSources } from './tidy/source-checks.ts';
import { checkTexts, type MachineNames } from './tidy/text-checks.ts';
import { formatViolation, type Tree } from './tidy/tree.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const IGNORED = /^(node_modules|dist|coverage|build|tmp|\.git|\.turbo|.*\.tsbuildinfo|.*\.log)$/;
const TEXT = /\.([mc]?[jt]sx?|json|md|ya?ml|c|h|S|ld|sh|ksy|html|css|v)$|^(run|LICENSE|Makefile)$/;
const TEXT_BYTES_MAX = 1 << 20;

function readTree(folder: string, prefix: string, tree: Map<string, string>): Tree {
  for (const name of readdirSync(folder).toSorted()) {
    const path = join(folder, name);
    const status = statSync(path, { throwIfNoEntry: false });
    if (status === undefined || IGNORED.test(name) || name === 'pnpm-lock.yaml') continue;
    if (status.isDirectory()) readTree(path, `${prefix}${name}/`, tree);
    else if (TEXT.test(name) && status.size <= TEXT_BYTES_MAX) {
      tree.set(prefix + name, readFileSync(path, 'utf8'));
    }
  }
  return tree;
}

/** Asked of the package managers and the system, never written down. */
function machineNames(): MachineNames {
  const hosts = [npmRegistry(), ...aptSources()].flatMap((url) => {
    const host = URL.canParse(url) ? new URL(url).host : '';
    return host.includes('.') || host.includes(':') ? [host] : [];
  });
  const above = dirname(ROOT);
  const folders = [ROOT, homedir(), above].filter((path) => !isCommonFolder(path));
  return { registryHosts: [...new Set(hosts)], folders: [...new Set(folders)] };
}

function npmRegistry(): string {
  const told = process.env['npm_config_registry'];
  if (told !== undefined) return told;
  try {
    const command = ['config', 'get', 'registry'];
    return execFileSync('npm', command, { encoding: 'utf8', cwd: ROOT, stdio: 'pipe' }).trim();
  } catch {
    return ''; // No npm, no host to name.
  }
}

function aptSources(): string[] {
  const folder = '/etc/apt/sources.list.d';
  const more = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  const files = ['/etc/apt/sources.list', ...more].filter((file) => existsSync(file));
  return files.flatMap((file) => readFileSync(file, 'utf8').match(/https?:\/\/[^\s]+/g) ?? []);
}

/** Folders that every Unix has say nothing of this machine. */
function isCommonFolder(path: string): boolean {
  const common = ['', 'etc', 'home', 'lib', 'mnt', 'opt', 'root', 'srv', 'tmp', 'usr', 'var'];
  const isTop = path.split('/').length <= 2;
  return path === tmpdir() || (isTop && common.includes(path.slice(1)));
}

const tree = readTree(ROOT, '', new Map());
const violations = [
  ...checkPackages(tree),
  ...checkSources(tree),
  ...checkTexts(tree, machineNames()),
  ...checkLinks(tree, (path) => existsSync(join(ROOT, path))),
].toSorted((a, b) => (a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1));
for (const violation of violations) console.log(formatViolation(violation));
console.log(`tidy: ${tree.size} files, ${violations.length} violations`);
process.exitCode = violations.length === 0 ? 0 : 1;
