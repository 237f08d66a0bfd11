/**
 * Debian's own kernel, recorded and replayed: fetched through apt, booted with a disk and a random
 * device under the virtual clock, put to work, and replayed with `verify`, on the built-in SBI and
 * once more, without the work, on OpenSBI. What the guest printed is compared with what it must
 * print, the replay with the recording, and both engines step by step over its boot.
 *
 * Then the event channel's module, built for that kernel from Debian's headers: the kernel loads
 * it, under the host's clock, it checks the device, and a program checks it; both engines replay
 * that to the same state. One line a check; counts in build/debian-summary.json.
 *
 *   node scripts/ci-debian.mjs               fetches the guest into build/debian
 *   node scripts/ci-debian.mjs --guest DIR   takes DIR/Image and DIR/initrd.cpio.gz as they are;
 *                                            they were made with the same workload; the guest
 *                                            with the module is fetched all the same
 *
 * Needs a built apps/cli, and Debian with apt, e2fsprogs, opensbi, make, gcc-riscv64-linux-gnu,
 * libc6-dev-riscv64-cross and qemu-user.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { BUILD_FOLDER, ROOT } from './lib/workspace.mjs';

const CLI = join(ROOT, 'apps', 'cli', 'dist', 'casmotion.js');
const WORKLOAD = join(ROOT, 'packages', 'guests', 'workloads', 'debian-workload.sh');
const CHANNEL_MODULE = join(ROOT, 'packages', 'guests', 'linux', 'casmotion_evtchn');
const CHANNEL_PROGRAM = join(ROOT, 'packages', 'guests', 'linux', 'evtchn-test.c');
const WORK = join(BUILD_FOLDER, 'debian-run');
const SUMMARY = join(BUILD_FOLDER, 'debian-summary.json');
// fw_dynamic: fw_jump copies the device tree to 32 MiB after the kernel's start, into the kernel.
const FIRMWARE = '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.elf';
/** @type {readonly [string, RegExp]} */
const GREETING = ['the disk held what the host wrote', /greeting: written by the host/];
/** What the module says of each part of the event channel, in selftest.c. */
const CHANNEL_CHECKS = [
  'loopback: each notification arrives once',
  'ipi arrives',
  'masked port does not arrive',
  'unmasked port arrives',
  'virq timer fires',
  'virq timer is not early',
  'time block is not behind the time CSR',
  'time block is not ahead of the time CSR',
];
/** Landmarks included, for a machine whose host decides nothing. */
const LOG_BYTES_MAX = 8192;
const DISK_BYTES = 8 << 20;
const TIMEOUT_SECONDS = 150;
const LOCKSTEP_STEPS = 200_000_000;
const LOCKSTEP_TIMEOUT_MS = 240_000;

/**
 * @typedef {object} Result the object that `--json` prints
 * @property {number} exit
 * @property {number} steps
 * @property {number} wallSeconds
 * @property {number} logBytes
 * @property {Record<string, number>} events
 * @property {string} outputDigest
 * @property {string} stateDigest
 * @property {unknown} divergence
 */

/** @type {string[]} */
const failures = [];
let passed = 0;
/** The host's file is on the disk. */
let hasGreeting = false;

mkdirSync(BUILD_FOLDER, { recursive: true });
rmSync(SUMMARY, { force: true });
rmSync(WORK, { recursive: true, force: true });
mkdirSync(WORK);
const guest = getGuest();
if (guest !== undefined) {
  const disk = makeDisk();
  compareEngines(guest, disk);
  recordWork(guest, disk);
  recordFirmware(guest, disk);
}
const channelGuest = getChannelGuest();
if (channelGuest !== undefined) recordChannel(channelGuest);
writeFileSync(
  SUMMARY,
  `${JSON.stringify({ passed, failed: failures.length, failures }, null, 2)}\n`,
);
console.log(`debian: ${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length === 0 && passed > 0 ? 0 : 1;

/** @returns {string | undefined} the folder with Image and initrd.cpio.gz */
function getGuest() {
  const [flag, given] = process.argv.slice(2);
  if (flag === '--guest' && given !== undefined) {
    console.log(`  given   the guest in ${given}`);
    return given;
  }
  const output = join(BUILD_FOLDER, 'debian');
  const flags = ['--output', output, '--init', WORKLOAD];
  const { status, error } = casmotion('guest', 'fetch', 'debian', ...flags);
  return check("fetch Debian's kernel", status === 0, error) ? output : undefined;
}

/** @returns {string | undefined} the folder with a guest that loads the module */
function getChannelGuest() {
  const output = join(BUILD_FOLDER, 'debian-channel');
  const program = join(WORK, 'evtchn-test');
  const flags = ['-static', '-O2', '-Wall', '-Wextra', '-Werror', '-o', program, CHANNEL_PROGRAM];
  const compiled = spawnSync('riscv64-linux-gnu-gcc', flags, { encoding: 'utf8' });
  const found = compiled.error?.message ?? compiled.stderr;
  if (!check('channel: compile the program', compiled.status === 0, found)) return undefined;
  const guestFlags = ['--output', output, '--init', program, '--module', CHANNEL_MODULE];
  const { status, error } = casmotion('guest', 'fetch', 'debian', ...guestFlags);
  const name = "channel: build the module with Debian's headers";
  return check(name, status === 0, error) ? output : undefined;
}

/** An ext4 disk with a file on it; without mke2fs an empty one, which the guest formats. */
function makeDisk() {
  const disk = join(WORK, 'disk.img');
  writeFileSync(disk, '');
  truncateSync(disk, DISK_BYTES);
  const content = join(WORK, 'content');
  mkdirSync(content);
  writeFileSync(join(content, 'greeting'), 'written by the host\n');
  const flags = ['-q', '-F', '-t', 'ext4', '-E', 'root_owner=0:0', '-d', content];
  // Debian keeps it outside of a user's PATH.
  const path = `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`;
  const { status, stderr, error } = spawnSync('mke2fs', [...flags, disk], {
    encoding: 'utf8',
    env: { ...process.env, PATH: path },
  });
  const found = error?.message ?? stderr;
  if (error === undefined || isCi()) {
    hasGreeting = check('make an ext4 disk', status === 0, found);
  } else {
    console.log(`  skipped  ext4 disk (needs e2fsprogs): ${found}`);
  }
  return disk;
}

/**
 * Both engines side by side over the first steps of the boot: registers each 100,000 steps, and in
 * windows after slices of random lengths; the whole state now and then.
 *
 * @param {string} folder
 * @param {string} disk
 */
function compareEngines(folder, disk) {
  const script = join(ROOT, 'packages', 'machine', 'scripts', 'lockstep.ts');
  const images = ['--kernel', join(folder, 'Image'), '--initrd', join(folder, 'initrd.cpio.gz')];
  const machine = ['--disk', disk, '--append', 'console=ttyS0', '--steps', `${LOCKSTEP_STEPS}`];
  const node = ['--conditions=casmotion-source', '--import', 'tsx'];
  const child = spawnSync(process.execPath, [...node, script, ...images, ...machine], {
    encoding: 'utf8',
    timeout: LOCKSTEP_TIMEOUT_MS,
    cwd: ROOT,
  });
  const found = child.error?.message ?? child.stderr;
  const isDone = found.includes(`equal after ${LOCKSTEP_STEPS} steps`);
  const name = `lockstep: both engines are equal over ${LOCKSTEP_STEPS / 1e6} M steps of the boot`;
  check(name, child.status === 0 && isDone, `${found}${child.stdout?.slice(-1000)}`);
}

/**
 * @param {string} folder
 * @param {string} disk
 */
function recordWork(folder, disk) {
  const recorded = record('work', folder, 'console=ttyS0', 'virtual', '--disk', disk);
  if (recorded === undefined) return;
  const { result, log, text } = recorded;
  for (const [name, expected] of expectedLines()) {
    check(`work: ${name}`, expected.test(text), `no line like ${expected}`);
  }
  const { logBytes, events } = result;
  const size = `the log is under ${LOG_BYTES_MAX} bytes: ${logBytes}`;
  check(`work: ${size}`, logBytes > 0 && logBytes < LOG_BYTES_MAX, JSON.stringify(events));
  const count = Object.values(events).reduce((sum, each) => sum + each, 0);
  check('work: the host decided nothing', count === 0, JSON.stringify(events));
  verify('work', log, result);
}

/**
 * @param {string} folder
 * @param {string} disk
 */
function recordFirmware(folder, disk) {
  if (!existsSync(FIRMWARE)) {
    if (isCi()) check('firmware', false, `absent: ${FIRMWARE}`);
    else console.log('  skipped  boot with OpenSBI (needs opensbi)');
    return;
  }
  const append = 'console=ttyS0 work=none';
  const flags = ['--disk', disk, '--bios', FIRMWARE];
  const recorded = record('firmware', folder, append, 'virtual', ...flags);
  if (recorded === undefined) return;
  const { result, log, text } = recorded;
  check('firmware: OpenSBI was there', /OpenSBI v\d/.test(text), 'it printed no version');
  check('firmware: the kernel reached /init', /== no work/.test(text), text.slice(-500));
  verify('firmware', log, result);
}

/**
 * The module checks the device twice, as it is loaded by /init and again by the program.
 *
 * @param {string} folder
 */
function recordChannel(folder) {
  const append = 'console=ttyS0 casmotion_evtchn.selftest=1';
  const recorded = record('channel', folder, append, 'host');
  if (recorded === undefined) return;
  const { result, log, text } = recorded;
  for (const each of CHANNEL_CHECKS) {
    const count = text.split(`casmotion_evtchn: selftest: ok ${each}`).length - 1;
    check(`channel: module: ${each}`, count === 2, `said ${count} times, expected 2`);
  }
  const failed = text.split('\n').filter((line) => line.includes('FAILED'));
  const ends = [...text.matchAll(/(selftest|evtchn-test): (\d+) passed, 0 failed/g)];
  const counts = ends.map(([, name, count]) => `${name} ${count}`).join(', ');
  const isWhole = ends.length === 3 && failed.length === 0;
  check(`channel: all passed: ${counts}`, isWhole, `${failed.join('\n')}${text.slice(-1000)}`);
  // What the time block is good for: it changed while the guest read it.
  const lines = result.events['clock-line'] ?? 0;
  check(`channel: the clock's line changed: ${lines}`, lines > 0, JSON.stringify(result.events));
  for (const engine of ['interpreter', 'translator']) {
    verify(`channel, ${engine}`, log, result, '--engine', engine);
  }
}

/**
 * @param {string} name
 * @param {string} folder
 * @param {string} append
 * @param {'virtual' | 'host'} clock
 * @param {readonly string[]} more flags
 * @returns {{ result: Result, log: string, text: string } | undefined} undefined if it failed
 */
function record(name, folder, append, clock, ...more) {
  const log = join(WORK, `${name}.cmr`);
  const consoleFile = join(WORK, `${name}.txt`);
  const images = ['--kernel', join(folder, 'Image'), '--initrd', join(folder, 'initrd.cpio.gz')];
  const machine = ['--rng', '7', '--clock', clock, '--append', append];
  const rest = ['--console', consoleFile, '--timeout', String(TIMEOUT_SECONDS), ...more];
  const { status, result, error } = casmotion('record', '-o', log, ...images, ...machine, ...rest);
  const text = existsSync(consoleFile) ? readFileSync(consoleFile, 'latin1') : '';
  const found = `exit code ${status}\n${error}\n${text.slice(-1000)}`;
  const isOk = check(`${name}: record${speed(result)}`, status === 0 && result?.exit === 0, found);
  return isOk && result !== undefined ? { result, log, text } : undefined;
}

/**
 * @param {string} name
 * @param {string} log
 * @param {Result} recorded
 * @param {readonly string[]} more flags
 */
function verify(name, log, recorded, ...more) {
  const timeout = ['--timeout', String(TIMEOUT_SECONDS)];
  const { status, result, error } = casmotion('verify', log, ...timeout, ...more);
  check(`${name}: verify${speed(result)}`, status === 0, `exit code ${status}\n${error}`);
  check(`${name}: no divergence`, result?.divergence === null, JSON.stringify(result?.divergence));
  for (const field of /** @type {const} */ (['steps', 'outputDigest', 'stateDigest'])) {
    const [expected, found] = [recorded[field], result?.[field]];
    const isSame = expected !== null && expected === found;
    check(`${name}: same ${field} ${found}`, isSame, `recorded ${expected}, replayed ${found}`);
  }
}

/** What the workload prints, worked out here. */
function expectedLines() {
  const data = Buffer.alloc(20_000_000, 'casmotion\n');
  const numbers = [];
  for (let i = 0, x = 1; i < 50_000; i++) numbers.push((x = (x * 75) % 65_537));
  const sorted = numbers.toSorted((a, b) => a - b).map((each) => `${each}\n`);
  const random = '[0-9a-f]{64}  -\\s+';
  return /** @type {const} */ ([
    ['sha256sum of 20 MB', new RegExp(`of 20 MB\\s+${sha256(data)}  -`)],
    ['sort', new RegExp(`== sort\\s+${sha256(Buffer.from(sorted.join('')))}  -`)],
    ['/dev/urandom and /dev/hwrng', new RegExp(`== random bytes \\S+\\s+${random}${random}==`)],
    ['date', /== date \(varies\)\s+\w+ Jun {2}1 00:0\d:\d\d UTC 2012/],
    ['processes', /100 processes/],
    ...(hasGreeting ? [GREETING] : []),
    ['a file written to the disk read back', /numbers read back/],
    ['after unmounting too', new RegExp(`${sha256(data.subarray(0, 2_000_000))}  -`)],
    ['the end', /== done/],
  ]);
}

/** @param {Uint8Array} bytes */
function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

/** @param {Result | undefined} result */
function speed(result) {
  if (result === undefined || !(result.wallSeconds > 0)) return '';
  const { steps, wallSeconds } = result;
  const rate = (steps / wallSeconds / 1e6).toFixed(0);
  return ` (${(steps / 1e6).toFixed(0)} M instructions, ${wallSeconds.toFixed(1)} s, ${rate} M/s)`;
}

/**
 * @param {readonly string[]} args
 * @returns {{ status: number | null, result: Result | undefined, error: string }}
 */
function casmotion(...args) {
  const timeout = (TIMEOUT_SECONDS + 60) * 1000;
  const options = /** @type {const} */ ({ encoding: 'utf8', timeout, cwd: ROOT });
  const child = spawnSync(process.execPath, [CLI, ...args, '--json'], options);
  const error = child.error?.message ?? child.stderr;
  try {
    return { status: child.status, result: JSON.parse(child.stdout), error };
  } catch {
    return { status: child.status, result: undefined, error: `${error}${child.stdout}` };
  }
}

/**
 * @param {string} name
 * @param {boolean} isOk
 * @param {string} found shown if it failed
 */
function check(name, isOk, found) {
  if (isOk) passed++;
  else failures.push(name);
  console.log(isOk ? `  ok      ${name}` : `  FAILED  ${name}\n${found}`);
  return isOk;
}

function isCi() {
  const value = process.env['CI'] ?? '';
  return value !== '' && value !== 'false' && value !== '0';
}
