import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';
import { lib } from '../../tsup.base.ts';

/**
 * The compressor reads its WebAssembly from a file beside it; here it must be inside. This
 * is its own entry with the bytes put in.
 */
const inlineZstd: Plugin = {
  name: 'inline-zstd',
  setup(build) {
    const require = createRequire(
      new URL('../../packages/replay-log/package.json', import.meta.url),
    );
    build.onResolve({ filter: /^@bokuweb\/zstd-wasm$/ }, ({ path }) => ({
      path,
      namespace: 'inline-zstd',
    }));
    build.onLoad({ filter: /.*/, namespace: 'inline-zstd' }, () => {
      const folder = join(dirname(require.resolve('@bokuweb/zstd-wasm')), '..', 'esm');
      const contents = `
        import { Module, waitInitialized } from './module.js';
        import wasm from './zstd.wasm';
        export { compress } from './simple/compress.js';
        export { decompress } from './simple/decompress.js';
        export async function init() {
          Module['init'](wasm);
          await waitInitialized();
        }`;
      return { contents, resolveDir: folder, loader: 'js' };
    });
  },
};

/** All of it in one script; what starts it says where it is: a script has no `import.meta`. */
const program = lib({
  entry: { program: 'src/main.ts' },
  format: 'cjs',
  outExtension: () => ({ js: '.cjs' }),
  platform: 'node',
  target: 'node20',
  noExternal: [/.*/],
  sourcemap: false,
  splitting: false,
  clean: false,
  loader: { '.wasm': 'binary' },
  esbuildPlugins: [inlineZstd],
  esbuildOptions(options) {
    options.conditions = ['casmotion-source'];
    options.define = { ...options.define, 'import.meta.url': 'launcherUrl' };
  },
});

const launcher = lib({
  entry: {
    casmotion: 'src/launch/casmotion.ts',
    'make-code-cache': 'src/launch/make-code-cache.ts',
  },
  platform: 'node',
  target: 'node20',
  sourcemap: false,
  splitting: false,
  clean: false,
});

export default [program, launcher];
