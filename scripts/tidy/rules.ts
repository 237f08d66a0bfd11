/**
 * The house rules as data. What a rule means is beside its check: `source-checks.ts` for
 * TypeScript, `text-checks.ts` for any text, `package-checks.ts` for package.json.
 */

/**
 * An import only ever points to a lower number. Keys are folders under packages/ and apps/, or
 * `name/subpath` where a package has a second door with a layer of its own: a folder of its `src`
 * that package.json exports under that name.
 */
export const LAYERS: ReadonlyMap<string, number> = new Map([
  ['base', 0],
  ['wasm-asm', 1],
  ['time-point', 1],
  ['gdb-protocol', 1],
  ['guests', 1],
  ['events', 2],
  ['replay-log', 3],
  ['cpu-core', 3],
  ['devices', 3],
  ['machine', 4],
  ['recorder', 5],
  ['model', 6], // imports nothing; its tests hold the recorder and all below against it
  ['gdb-server', 6],
  ['lab', 6],
  ['guests/debian', 7], // fetches through apt: files and processes
  ['host-node', 7],
  ['host-web', 7],
  ['cli', 8],
  ['bench', 8],
  ['web', 8],
]);

/** Up to this layer nothing sees the host: one door for nondeterminism. */
export const PURE_LAYER_MAX = 6;

/** Global names that show the host, and what to use instead. */
export const HOST_GLOBALS: ReadonlyMap<string, string> = new Map([
  ['Date', 'the `time` of the machine, or a sample that HostInputs gives'],
  ['performance', 'the step counter; time is measured by the host packages and apps/bench'],
  ['setTimeout', 'a step at which something is due'],
  ['setInterval', 'a step at which something is due'],
  ['setImmediate', 'a step at which something is due'],
  ['queueMicrotask', 'a plain call'],
  ['requestAnimationFrame', 'a step at which something is due'],
  ['crypto', 'entropy that HostInputs gives, or `Prng` of @casmotion/base'],
  ['process', 'an option passed in by the caller'],
  ['Buffer', 'Uint8Array with ByteReader and ByteWriter of @casmotion/base'],
  ['console', 'a returned value or an output that the caller prints'],
  ['require', 'an import'],
  ['fetch', 'bytes passed in by the caller'],
  ['navigator', 'an option passed in by the caller'],
  ['window', 'an option passed in by the caller'],
  ['document', 'an option passed in by the caller'],
  ['globalThis', 'an option passed in by the caller'],
  ['Intl', 'plain text, the same in every locale'],
  ['WeakRef', 'a plain reference: when garbage is collected is the host deciding'],
  ['FinalizationRegistry', 'an explicit close: when garbage is collected is the host deciding'],
]);

/** Of those, what tests of the pure layers may not use either: tests time nothing, are seeded. */
export const HOST_GLOBALS_IN_TESTS: ReadonlySet<string> = new Set(['Date', 'performance']);

/**
 * Math of which ECMA-262 §21.3.2 fixes every result. The rest ("implementation-approximated") may
 * differ between engines, so it is as good as `Math.random`.
 */
export const EXACT_MATH: ReadonlySet<string> = new Set([
  ...['abs', 'ceil', 'clz32', 'floor', 'fround', 'imul', 'max', 'min', 'round', 'sign', 'sqrt'],
  ...['trunc', 'E', 'PI', 'LN2', 'LN10', 'LOG2E', 'LOG10E', 'SQRT2', 'SQRT1_2'],
]);

export const FUNCTION_LINES_MAX = 60;
export const FILE_LINES_MAX = 800;
export const COLUMNS_MAX = 100;

/** Files that may be longer than FILE_LINES_MAX, each with its reason. */
export const LONG_FILES: ReadonlyMap<string, string> = new Map<string, string>([]);

/** Files that are neither TypeScript nor kebab-case but named by custom. */
export const CUSTOMARY_NAMES: ReadonlySet<string> = new Set([
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'Makefile',
]);

/** What every published package.json says, besides its name, version and description. */
export const PACKAGE_FIELDS: Readonly<Record<string, unknown>> = {
  license: 'MIT',
  type: 'module',
  sideEffects: false,
  engines: { node: '>=20.19' },
  types: './dist/index.d.ts',
  publishConfig: { access: 'public' },
};

/** The entry of a package: our own tools take the source, everyone else what was built. */
export const PACKAGE_EXPORTS: Readonly<Record<string, unknown>> = {
  '.': {
    'casmotion-source': './src/index.ts',
    types: './dist/index.d.ts',
    default: './dist/index.js',
  },
};

export const PACKAGE_FILES: readonly string[] = ['dist', 'src', '!src/**/*.test.ts'];
export const PACKAGE_SCRIPTS: readonly string[] = ['build', 'check', 'lint'];
