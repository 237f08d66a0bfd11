/** A machine's configuration from the header of a log: checked, for it comes from a file. */
import { VmError } from '@casmotion/base';
import { type MachineConfig, OVERCOUNT_MAX, SKID_MAX } from '@casmotion/machine';
import type { JsonValue } from '@casmotion/replay-log';
import * as v from 'valibot';

const Hex = (sizeBytes: number) =>
  v.pipe(v.string(), v.regex(new RegExp(`^[0-9a-f]{${sizeBytes * 2}}$`)));
const Size = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const Image = v.object({ name: v.string(), sizeBytes: Size, digestHex: Hex(32) });

const Config = v.object({
  ramSizeBytes: Size,
  harts: v.literal(1),
  bios: v.picklist(['sbi', 'none', 'firmware']),
  append: v.string(),
  kernel: v.optional(Image),
  initrd: v.optional(Image),
  firmware: v.optional(Image),
  disks: v.pipe(v.array(Image), v.maxLength(8)),
  virtio: v.picklist(['modern', 'legacy']),
  rng: v.variant('kind', [
    v.object({ kind: v.picklist(['host', 'none']) }),
    v.object({ kind: v.literal('seed'), seed: Size }),
  ]),
  net: v.picklist(['none', 'loopback', 'scripted']),
  hasVirtioConsole: v.boolean(),
  clock: v.picklist(['host', 'virtual']),
  rtcBaseNanoseconds: v.pipe(v.string(), v.regex(/^\d{1,20}$/)),
  rngSeedHex: Hex(32),
  domain: v.optional(
    v.object({
      id: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(0x7fef)),
      peers: v.picklist(['none', 'host']),
    }),
  ),
  timePoint: v.optional(
    v.object({
      kind: v.picklist(['branches', 'branches+register']),
      skid: v.pipe(Size, v.maxValue(SKID_MAX)),
      seed: v.pipe(Size, v.maxValue(2 ** 32 - 1)),
      overcount: v.pipe(Size, v.maxValue(OVERCOUNT_MAX)),
    }),
  ),
});

/** Throws {@link MachineConfigError}. */
export function parseMachineConfig(json: JsonValue): MachineConfig {
  const result = v.safeParse(Config, json);
  if (!result.success) {
    const [issue] = result.issues;
    const path = issue.path?.map(({ key }) => String(key)).join('.') ?? '';
    throw new MachineConfigError(path, issue.message);
  }
  const { kernel, initrd, firmware, domain, timePoint, ...rest } = result.output;
  return {
    ...rest,
    kernel,
    initrd,
    firmware,
    ...(domain === undefined ? {} : { domain }),
    ...(timePoint === undefined ? {} : { timePoint }),
  };
}

/** The log describes a machine that this program cannot make. */
export class MachineConfigError extends VmError {
  override readonly name = 'MachineConfigError';
  constructor(field: string, found: string) {
    super('the log describes a machine that this version cannot make', {
      where: `header field '${field}'`,
      found,
      next: 'replay it with the version that recorded it, or a newer one',
    });
  }
}
