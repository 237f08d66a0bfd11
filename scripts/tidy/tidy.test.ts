/**
 * Goal: each rule catches its violation at the right line, and leaves good code alone.
 * Method: trees of files built in memory; one row a violation, one row a look-alike that is fine.
 */
import { describe, expect, it } from 'vitest';
import { anchorsOf, checkLinks } from './link-checks.ts';
import { checkPackages } from './package-checks.ts';
import {
  FILE_LINES_MAX,
  FUNCTION_LINES_MAX,
  PACKAGE_EXPORTS,
  PACKAGE_FIELDS,
  PACKAGE_FILES,
} from './rules.ts';
import { checkSources } from './source-checks.ts';
import { checkTexts } from './text-checks.ts';
import { formatViolation, type Violation } from './tree.ts';

const MACHINE = { registryHosts: ['registry.example:4873'], folders: ['/worksite/project'] };
const HEADER = '/** A module. */\n';
const DEVICE = 'packages/devices/src/uart.ts';
const DEVICE_TEST = 'packages/devices/src/uart.test.ts';
const HOST = 'packages/host-node/src/files.ts';

// Spelled apart, for tidy reads this file too.
const UP = '../';
const [todo, fixme, xxx] = ['TODO', 'FIXME', 'XXX'];

const lines = (count: number): string => 'x();\n'.repeat(count);
const functionOf = (count: number): string => `function f() {\n${lines(count - 2)}}\n`;

type Row = readonly [rule: string, path: string, code: string];

describe('violations in TypeScript', () => {
  const rows: readonly Row[] = [
    ['layer', DEVICE, "import { Machine } from '@casmotion/machine';"],
    ['layer', DEVICE, "export { Core } from '@casmotion/cpu-core';\nx();"],
    ['layer', DEVICE, "await import('@casmotion/recorder');"],
    ['layer', DEVICE, "import type { X } from '@casmotion/nowhere';"],
    ['layer', DEVICE_TEST, "import { Machine } from '@casmotion/machine';"],
    ['layer', 'packages/recorder/src/a.ts', "import { x } from '@casmotion/guests/debian';"],
    ['deep-import', DEVICE, "import { x } from '@casmotion/base/src/bytes.ts';"],
    ['deep-import', DEVICE, "import { x } from '../../base/src/bytes.ts';"],
    ['deep-import', DEVICE_TEST, `import { x } from '${UP}${UP}${UP}docs/tree.ts';`],
    ['host-access', DEVICE, "import { readFileSync } from 'node:fs';"],
    ['host-access', DEVICE, 'const now = Date.now();'],
    ['host-access', DEVICE, 'const when = new Date();'],
    ['host-access', DEVICE, 'const now = performance.now();'],
    ['host-access', DEVICE, 'const x = Math.random();'],
    ['host-access', DEVICE, 'const x = Math.sin(1);'],
    ['host-access', DEVICE, 'setTimeout(() => x, 5);'],
    ['host-access', DEVICE, "if (process.platform === 'x') f();"],
    ['host-access', DEVICE, 'crypto.getRandomValues(a);'],
    ['host-access', DEVICE, 'const host = { process };'],
    ['host-access', DEVICE, 'globalThis.x = 1;'],
    ['host-access', DEVICE, 'let a: Date;'],
    ['host-access', DEVICE_TEST, 'const start = performance.now();'],
    ['host-access', DEVICE_TEST, 'const x = Math.random();'],
    ['function-length', DEVICE, functionOf(FUNCTION_LINES_MAX + 1)],
    ['function-length', HOST, `const f = () => {\n${lines(FUNCTION_LINES_MAX)}};`],
    ['function-length', HOST, `class A { m() {\n${lines(FUNCTION_LINES_MAX)}} }`],
    ['no-enum', HOST, 'export enum A { B }'],
    ['no-enum', HOST, 'const enum A { B }'],
    ['no-namespace', HOST, 'namespace A { export const b = 1; }'],
    ['skipped-test', DEVICE_TEST, "it.skip('boots', () => {});"],
    ['skipped-test', DEVICE_TEST, "it.todo('boots');"],
    ['skipped-test', DEVICE_TEST, "describe.skipIf(!hasQemu)('against qemu', () => {});"],
    ['focused-test', DEVICE_TEST, "it.only('boots (needs nothing)', () => {});"],
    ['focused-test', DEVICE_TEST, "describe.only('uart', () => {});"],
    ['barrel', 'packages/devices/src/uart/index.ts', 'export const a = 1;'],
    ['barrel', 'packages/devices/src/all.ts', "export * from './uart.ts';"],
  ];
  it.each(rows)('%s in %s (%#)', (rule, path, code) => {
    const found = checkSources(new Map([[path, `${HEADER}${code}`]]));
    expect(found.map((v) => [v.rule, v.path, v.line])).toEqual([[rule, path, 2]]);
  });

  it('header: a module that opens without a word', () => {
    for (const text of ['const a = 1;', '/// <reference types="node" />\nconst a = 1;']) {
      expect(rulesOf(checkSources(new Map([[DEVICE, text]])))).toEqual(['header']);
    }
  });

  it('undeclared-dependency: an import that package.json does not know', () => {
    const imports = ["import a from 'left';", "import type b from 'right';", "import 'down';"];
    const code = HEADER + imports.join('\n');
    const manifest = { dependencies: { down: '1.0.0' }, devDependencies: { right: '1.0.0' } };
    const tree = new Map([
      [DEVICE, code],
      ['packages/devices/package.json', JSON.stringify(manifest)],
    ]);
    const found = checkSources(tree);
    expect(found.map((v) => [v.rule, v.line])).toEqual([['undeclared-dependency', 2]]);
  });
});

describe('good TypeScript', () => {
  const rows: readonly (readonly [path: string, code: string])[] = [
    [DEVICE, "import { x } from '@casmotion/base';\nimport { y } from './plic.ts';"],
    [HOST, "import { readFileSync } from 'node:fs';\nDate.now(); setTimeout(f, 5);"],
    ['packages/guests/src/debian/a.ts', "import { readFileSync } from 'node:fs';"],
    ['apps/cli/src/fetch.ts', "import { x } from '@casmotion/guests/debian';"],
    [DEVICE, 'rtc.Date = 1; const a = { process: 1, crypto() {} }; a.process;'],
    [DEVICE, 'function f(process: number) { return process + 1; }'],
    [DEVICE, 'const { process } = options; run(process);'],
    [DEVICE, 'Math.max(1, 2); Math.imul(3, Math.floor(4.5));'],
    [DEVICE, "// Date and process.exit in a comment\nconst text = 'setTimeout';"],
    [DEVICE, functionOf(FUNCTION_LINES_MAX)],
    [DEVICE, 'export const enumerable = { namespace: 1 } as const;'],
    [DEVICE, "export * from './a.ts';\nexport const b = 1;"],
    ['packages/devices/src/index.ts', "export * from './uart.ts';"],
    [DEVICE_TEST, "import { spawn } from 'node:child_process';\nprocess.env['SEED'];"],
    [DEVICE_TEST, `describe('a', () => {\n${lines(500)}});`],
    [DEVICE_TEST, "it.skipIf(!has)('boots (needs qemu-system-misc)', () => {});"],
    [DEVICE_TEST, "it.skip('boots: not until the PLIC is there', () => {});"],
    [DEVICE_TEST, 'array.only(); it.each(rows)(title, f);'],
    ['packages/devices/src/ambient.d.ts', 'export enum A { B }'],
  ];
  it.each(rows)('in %s (%#)', (path, code) => {
    expect(checkSources(new Map([[path, `${HEADER}${code}`]]))).toEqual([]);
  });
});

describe('violations in any text', () => {
  const rows: readonly Row[] = [
    ['file-name', 'packages/devices/src/virtioBlk.ts', 'x();'],
    ['file-name', 'docs/Format.md', 'text'],
    ['file-length', HOST, lines(FILE_LINES_MAX + 1)],
    ['line-length', HOST, `// ${'x'.repeat(98)}`],
    ['undone', HOST, `// ${todo}`],
    ['undone', HOST, `x(); // ${fixme}: later`],
    ['undone', 'packages/guests/embedded/start.S', `# ${xxx}`],
    ['undone', 'proof/Machine.v', `(* ${todo} *)`],
    ['line-length', 'proof/Machine.v', `(* ${'x'.repeat(98)}`],
    ['machine-name', 'docs/a.md', 'get it from https://registry.example:4873/x'],
    ['machine-name', 'pnpm-workspace.yaml', 'folder: /worksite/project/packages'],
    ['outside', 'README.md', `see ${UP}elsewhere/design.md`],
    ['outside', 'packages/base/README.md', `see ${UP}${UP}${UP}elsewhere`],
  ];
  it.each(rows)('%s in %s (%#)', (rule, path, text) => {
    const found = checkTexts(new Map([[path, text]]), MACHINE);
    expect(found.map((v) => [v.rule, v.path, v.line])).toEqual([[rule, path, 1]]);
  });
});

describe('good texts', () => {
  const rows: readonly (readonly [path: string, text: string])[] = [
    [HOST, lines(FILE_LINES_MAX)],
    [HOST, `// ${'ß'.repeat(97)}`],
    [HOST, `// Generated by scripts/isa.ts\n// ${'x'.repeat(200)}`],
    ['README.md', `| ${'x'.repeat(200)} |`],
    [HOST, `// ${todo}: NAPOT in PMP, once OpenSBI asks for it`],
    [HOST, `// ${todo}(issue 12: needs the second hart)`],
    [HOST, "const mark = 'TODO';"],
    ['packages/base/README.md', 'see ../../docs/format.md'],
    ['docs/a.md', 'ranges 0../8 and a/../b'],
    ['packages/base/CHANGELOG.md', ''],
    ['.changeset/config.json', '{}'],
  ];
  it.each(rows)('in %s (%#)', (path, text) => {
    expect(checkTexts(new Map([[path, text]]), MACHINE)).toEqual([]);
  });
});

describe('links in Markdown', () => {
  const tree = (text: string): Map<string, string> =>
    new Map([
      ['docs/a.md', text],
      ['docs/b.md', '# The `log`\n\n## 1. What, *why*?\n## 1. What, *why*?\n```\n# not this\n```'],
      ['packages/base/src/a.ts', ''],
    ]);
  const check = (text: string): string[] =>
    checkLinks(tree(text), (path) => path === 'packages/base' || path === 'docs/a.png').map(
      (found) => `${found.line} ${found.rule} ${found.what}`,
    );

  it.each([
    ['[b](c.md)', 'c.md leads nowhere'],
    ['[b](../packages/base/src/b.ts)', '../packages/base/src/b.ts leads nowhere'],
    ['[b](b.md#the-clock)', 'docs/b.md has no heading #the-clock'],
    ['[b](b.md#not-this)', 'docs/b.md has no heading #not-this'],
    ['[b](#nothing)', 'docs/a.md has no heading #nothing'],
    ['[`code`](c.md)', 'c.md leads nowhere'],
    ['[b](b.md) and [c](c.md "title")', 'c.md leads nowhere'],
    ['[b]: c.md', 'c.md leads nowhere'],
    ['[b](/docs/b.md)', '/docs/b.md leads out of the repository'],
  ])('bad: %s', (text, what) => {
    expect(check(`\n${text}`)).toEqual([`2 link ${what}`]);
  });

  it.each([
    '[b](b.md)',
    '[b](b.md#the-log) [c](./b.md#1-what-why) [d](b.md#1-what-why-1)',
    '# Here\n[b](#here)',
    '[b](../packages/base) [c](../packages/base/src/a.ts) ![d](a.png)',
    '[b](https://example.org/c.md#d) [c](mailto:a@example.org)',
    'an array `[a](b.md)` in code',
    '```\n[b](c.md)\n```',
  ])('good: %s', (text) => {
    expect(check(text)).toEqual([]);
  });

  it('headings are named as GitHub names them', () => {
    const text = '# C1 to C8: `machine.apply(event)`\n## [a link](b.md) _here_ ##\n### Ä é';
    expect([...anchorsOf(text)]).toEqual(['c1-to-c8-machineapplyevent', 'a-link-_here_', 'ä-é']);
  });
});

describe('package.json', () => {
  const good = {
    name: '@casmotion/devices',
    description: 'Devices.',
    ...PACKAGE_FIELDS,
    exports: PACKAGE_EXPORTS,
    files: PACKAGE_FILES,
    repository: { directory: 'packages/devices' },
    scripts: { build: 'b', check: 'c', lint: 'l' },
    dependencies: { '@casmotion/base': 'workspace:^', 'hash-wasm': '4.13.0' },
  };
  const swapped = { '.': { default: './dist/index.js', ...(PACKAGE_EXPORTS['.'] as object) } };
  const rows: readonly (readonly [what: string, change: object])[] = [
    ['is named', { name: '@casmotion/device' }],
    ['license', { license: 'ISC' }],
    ['type', { type: 'commonjs' }],
    ['sideEffects', { sideEffects: undefined }],
    ['engines', { engines: { node: '>=18' } }],
    ['types', { types: './dist/index.ts' }],
    ['publishConfig', { publishConfig: undefined }],
    ['exports["."] is unlike', { exports: swapped }],
    ['exports ./extra', { exports: { ...PACKAGE_EXPORTS, './extra': PACKAGE_EXPORTS['.'] } }],
    ['files lack src', { files: ['dist', '!src/**/*.test.ts'] }],
    ['no script lint', { scripts: { build: 'b', check: 'c' } }],
    ['repository.directory', { repository: { directory: 'packages/device' } }],
    ['no description', { description: undefined }],
    ['hash-wasm is ^4', { dependencies: { 'hash-wasm': '^4.13.0' } }],
    ['base is ^0.1.0', { dependencies: { '@casmotion/base': '^0.1.0' } }],
    ['no lower layer', { dependencies: { '@casmotion/machine': 'workspace:^' } }],
  ];
  it('passes when it is like the others', () => {
    expect(check(good)).toEqual([]);
  });
  it.each(rows)('%s', (what, change) => {
    const found = check({ ...good, ...change });
    expect(found).toHaveLength(1);
    expect(found[0]?.what).toContain(what);
  });
  it('names the files that a package lacks', () => {
    const tree = new Map([['packages/devices/package.json', JSON.stringify(good)]]);
    expect(checkPackages(tree).map((v) => v.what)).toContain('README.md is missing');
  });

  function check(manifest: object): Violation[] {
    const files = ['README.md', 'src/index.ts', 'tsconfig.json', 'tsconfig.build.json'];
    const tree = new Map(files.map((file) => [`packages/devices/${file}`, '']));
    return checkPackages(tree.set('packages/devices/package.json', JSON.stringify(manifest)));
  }
});

it('prints the place, the rule, what is wrong and what to do', () => {
  const [found] = checkSources(new Map([[DEVICE, `${HEADER}\nDate.now();`]]));
  expect(formatViolation(found as Violation)).toBe(
    'packages/devices/src/uart.ts:3: host-access: uses Date; ' +
      'instead: the `time` of the machine, or a sample that HostInputs gives',
  );
});

function rulesOf(violations: readonly Violation[]): string[] {
  return violations.map(({ rule }) => rule);
}
