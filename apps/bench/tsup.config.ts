import { lib } from '../../tsup.base.ts';

/** The program, for the workspace alone: what it depends on is found there. */
export default lib({
  entry: { bench: 'src/main.ts' },
  platform: 'node',
  target: 'node20',
  sourcemap: false,
  splitting: false,
});
