/** `--profile` and `--dump-regions`: looking at how the machine executes. */
import { Inspection } from '@casmotion/host-node';
import { formatNumber } from './format.ts';
import { describeProfile } from './profile-report.ts';
import type { CommandResult } from './result.ts';

export interface InspectFlags {
  readonly profile: boolean;
  readonly dumpRegions?: string;
}

export const INSPECT_FLAGS = {
  profile: {
    kind: 'boolean',
    default: false,
    withNegated: false,
    brief: 'Say where the instructions and the time went: hottest regions, exits, misses, traps',
  },
  dumpRegions: {
    kind: 'parsed',
    parse: String,
    optional: true,
    placeholder: 'DIR',
    brief: 'Write the translated regions to DIR as WebAssembly text with the guest code in it',
  },
} as const;

/** Lines for the help of commands that have {@link INSPECT_FLAGS}. */
export const INSPECT_HELP = [
  '--profile costs some speed; neither flag is seen by the guest or changes a digest. A region is',
  'code of the guest translated to WebAssembly because it is hot; see --engine.',
] as const;

/** Undefined where nothing is to be looked at. Throws `VmError`s: no folder for the regions. */
export function startInspection({ profile, dumpRegions }: InspectFlags): Inspection | undefined {
  if (!profile && dumpRegions === undefined) return undefined;
  return new Inspection({ isProfiling: profile, dumpFolder: dumpRegions });
}

/** Adds what was seen to a command's result. Throws where regions could not be written. */
export function addInspection(
  result: CommandResult,
  inspection: Inspection | undefined,
  { dumpRegions }: InspectFlags,
): CommandResult {
  if (inspection === undefined) return result;
  const { profile, regionsDumped } = inspection.finish();
  const { wallSeconds = 0 } = result.json;
  const lines = [...result.lines];
  if (regionsDumped !== undefined) {
    lines.push(`${formatNumber(regionsDumped, 'region')} written to ${dumpRegions}`);
  }
  if (profile !== undefined) lines.push(...describeProfile(profile, wallSeconds));
  const json = {
    ...result.json,
    ...(profile === undefined ? {} : { profile }),
    ...(regionsDumped === undefined ? {} : { regionsDumped }),
  };
  return { json, lines };
}
