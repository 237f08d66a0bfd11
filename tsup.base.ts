import { defineConfig, type Options } from 'tsup';

/** The build of a library package: one ESM file; tsc writes the declarations (see package.json). */
export const lib = (options: Options = {}): ReturnType<typeof defineConfig> =>
  defineConfig({
    entry: ['src/index.ts'],
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    sourcemap: true,
    clean: true,
    dts: false,
    ...options,
  });
