/**
 * Goal: /init is a script that a POSIX shell accepts and that does its steps in order. Method:
 * parsed by this machine's sh without running it; the places of its steps compared; its loop over
 * the modules run on files of ours. That it works is shown by booting it, in CI.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { INIT_SCRIPT, MODULE_ORDER_PATH } from './init-script.ts';

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

it('gives each module its parameters from the command line, and no other', () => {
  const loop = /^read -r cmdline[^]*?^set \+f$/m.exec(INIT_SCRIPT)?.[0] ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'casmotion-init-'));
  try {
    const words = 'console=ttyS0 a.x=1 b_c.y=2,3 ab.z=* a.w=b_c.v=4 a=5';
    writeFileSync(join(folder, 'cmdline'), `${words}\n`);
    writeFileSync(join(folder, 'order'), 'a\nab\nb_c\nd\n');
    const script = loop
      .replace('/proc/cmdline', join(folder, 'cmdline'))
      .replace(`/${MODULE_ORDER_PATH}`, join(folder, 'order'));
    const input = `insmod() { echo "$#" "$@"; }\n${script}`;
    const { stdout, stderr } = spawnSync('sh', [], { input, encoding: 'utf8', cwd: folder });
    expect(stderr).toBe('');
    expect(stdout.trim().split('\n')).toEqual([
      '3 /lib/modules/a.ko x=1 w=b_c.v=4',
      '2 /lib/modules/ab.ko z=*',
      '2 /lib/modules/b_c.ko y=2,3',
      '1 /lib/modules/d.ko',
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('the workload is proper shell', () => {
  const path = fileURLToPath(new URL('../../workloads/debian-workload.sh', import.meta.url));
  const result = spawnSync('sh', ['-n'], { input: readFileSync(path, 'utf8'), encoding: 'utf8' });
  expect(result.stderr).toBe('');
});
