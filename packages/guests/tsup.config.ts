import { lib } from '../../tsup.base.ts';

export default lib({
  platform: 'node',
  entry: { index: 'src/index.ts', debian: 'src/debian/fetch-debian-guest.ts' },
});
