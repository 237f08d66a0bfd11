/**
 * Goal: /init is a script that a POSIX shell accepts and that does its steps in order. Method:
 * parsed by this machine's sh without running it; the places of its steps compared. That it works
 * is shown by booting it, in CI.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { INIT_SCRIPT } from './init-script.ts';

it('is proper shell', () => {
  const result = spawnSync('sh', ['-n'], { input: INIT_SCRIPT, encoding: 'utf8' });
  expect(result.stderr).toBe('');
  expect(result.status).toBe(0);
});

it('does its steps in order', () => {
  const steps = [
    'busybox --install',
    'mount -t proc',
    'mount -t devtmpfs',
    'insmod',
    'cttyhack',
    'poweroff -f',
  ];
  const places = steps.map((step) => INIT_SCRIPT.indexOf(step));
  expect(places.every((place) => place > 0)).toBe(true);
  expect([...places].toSorted((a, b) => a - b)).toEqual(places);
});

it('the workload is proper shell', () => {
  const path = fileURLToPath(new URL('../../workloads/debian-workload.sh', import.meta.url));
  const result = spawnSync('sh', ['-n'], { input: readFileSync(path, 'utf8'), encoding: 'utf8' });
  expect(result.stderr).toBe('');
});
