/**
 * The folder of a recorded lab: `lab.json`, which says what joined its domains, and a log a domain.
 */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VmError } from '@casmotion/base';
import { checkLab, type LabShape } from '@casmotion/lab';
import * as v from 'valibot';
import { HostFileError } from '../errors.ts';
import { PARTIAL_SUFFIX } from '../files/log-file.ts';

export const LAB_FILE = 'lab.json';

/** Makes the folder and writes what joins the domains. Throws `VmError`s. */
export function createLabFolder(path: string, shape: LabShape, creator: string): void {
  const file = join(path, LAB_FILE);
  if (existsSync(file)) {
    throw new VmError('a lab was recorded there already', {
      where: file,
      expected: 'a new folder',
      next: 'name another folder with -o, or move that one away',
    });
  }
  const { domains, channels, switch: ports } = shape;
  const recorded = {
    recorded: 1,
    creator,
    domains: domains.map(({ name, id }) => ({ name, id })),
    ...(channels === undefined ? {} : { channels }),
    switch: ports,
  };
  try {
    mkdirSync(path, { recursive: true });
    writeFileSync(file, `${JSON.stringify(recorded, undefined, 2)}\n`, { flag: 'wx' });
  } catch (cause) {
    throw new HostFileError(
      file,
      'the lab cannot be written',
      cause,
      'name another folder with -o',
    );
  }
}

/** Is it the folder of a recorded lab? */
export function isLabFolder(path: string): boolean {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder && existsSync(join(path, LAB_FILE));
}

/** Throws `VmError`s that name the file and the field. */
export function readLabFolder(path: string): LabShape {
  const file = join(path, LAB_FILE);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new HostFileError(file, 'the recorded lab cannot be read', cause, NEXT);
  }
  const result = v.safeParse(Recorded, json);
  if (!result.success) {
    const [issue] = result.issues;
    const field = issue.path?.map(({ key }) => String(key)).join('.') ?? '';
    const details = { where: `${file}, ${field}`, found: issue.message, next: NEXT };
    throw new VmError('this is no recorded lab', details);
  }
  const { domains, channels, switch: ports } = result.output;
  const shape = { domains, channels, switch: ports };
  checkLab(shape, file);
  return shape;
}

/** The log of a domain of a recorded lab: whole, or what a crash left of it. */
export function labLogPath(folder: string, name: string): string {
  const whole = join(folder, `${name}.cmr`);
  const partial = `${whole}${PARTIAL_SUFFIX}`;
  return !existsSync(whole) && existsSync(partial) ? partial : whole;
}

/** Where a domain's log is written. */
export function newLogPath(folder: string, name: string): string {
  return join(folder, `${name}.cmr`);
}

const NEXT = 'name a folder that was written by: casmotion record --config FILE -o DIR';

const Recorded = v.object({
  recorded: v.literal(1),
  creator: v.string(),
  domains: v.pipe(
    v.array(
      v.object({
        name: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,31}$/)),
        id: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(0x7fef)),
      }),
    ),
    v.minLength(1),
    v.maxLength(64),
  ),
  channels: v.optional(
    v.array(v.object({ server: v.string(), port: v.number(), client: v.string() })),
  ),
  switch: v.array(v.string()),
});
