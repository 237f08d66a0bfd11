import { defineConfig } from 'vitest/config';

/** Packages resolve each other to their sources, so that tests need no build. */
export default defineConfig({
  resolve: { conditions: ['casmotion-source'] },
  ssr: { resolve: { conditions: ['casmotion-source'] } },
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
