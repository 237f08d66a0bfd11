import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';
import { lib } from '../../tsup.base.ts';

/**
 * The compressor reads its WebAssembly from a file beside it; in one file it must be inside. This
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

/** One file that runs with plain `node`: everything is inside. */
export default lib({
  entry: { casmotion: 'src/main.ts' },
  platform: 'node',
  target: 'node20',
  noExternal: [/.*/],
  sourcemap: false,
  splitting: false,
  loader: { '.wasm': 'binary' },
  esbuildPlugins: [inlineZstd],
  esbuildOptions(options) {
    options.conditions = ['casmotion-source'];
  },
  // CommonJS packages inside ask for Node's own modules.
  banner: {
    js: [
      `import { createRequire as __createRequire } from 'node:module';`,
      'const require = __createRequire(import.meta.url);',
    ].join('\n'),
  },
});
