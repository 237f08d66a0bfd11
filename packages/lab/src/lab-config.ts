/**
 * `lab.json`: which machines a lab has and what joins them. Checked whole before anything is
 * started; an error names the field and what to write there.
 */
import { VmError } from '@casmotion/base';
import { ORIGIN_LIMITS } from '@casmotion/replay-log';
import * as v from 'valibot';
import type { Reach } from './lab-member.ts';

/** A machine of a lab, as `casmotion record` would be asked for it. */
export interface LabDomain {
  /** Of the log's file, and in messages. */
  readonly name: string;
  /** Who it is on its event channels. */
  readonly id: number;
  /** A path from the file's folder, or a built-in image; undefined: the embedded guest. */
  readonly kernel: string | undefined;
  readonly initrd: string | undefined;
  readonly bios: string | undefined;
  readonly append: string | undefined;
  readonly disks: readonly string[];
  /** Such as 64M. */
  readonly memory: string | undefined;
  readonly clock: 'host' | 'virtual' | undefined;
  readonly rng: 'host' | 'none' | number | undefined;
  readonly engine: 'auto' | 'interpreter' | 'translator' | undefined;
}

/** An event channel that may be bound: others may not, once a lab declares any. */
export interface LabChannel {
  /** The name of the domain whose unbound port it is. */
  readonly server: string;
  readonly port: number;
  readonly client: string;
}

export interface LabConfig {
  readonly domains: readonly LabDomain[];
  /** Undefined: any domain may bind what another offers it. */
  readonly channels: readonly LabChannel[] | undefined;
  /** Names of the domains on the virtual Ethernet switch. */
  readonly switch: readonly string[];
}

/** Throws {@link LabConfigError}; `where` is the file, for the message. */
export function parseLabConfig(text: string, where: string): LabConfig {
  const result = v.safeParse(File, parseJson(text, where));
  if (!result.success) {
    const [issue] = result.issues;
    const path = issue.path?.map(({ key }) => String(key)).join('.') ?? '';
    throw new LabConfigError(where, path, issue.message);
  }
  const { domains, channels, switch: ports } = result.output;
  const config: LabConfig = {
    domains: Object.entries(domains).map(([name, domain]) => ({
      name,
      id: domain.id,
      kernel: domain.kernel,
      initrd: domain.initrd,
      bios: domain.bios,
      append: domain.append,
      disks: domain.disks ?? [],
      memory: domain.memory,
      clock: domain.clock,
      rng: domain.rng,
      engine: domain.engine,
    })),
    channels,
    switch: ports ?? [],
  };
  checkLab(config, where);
  return config;
}

/** Whom a domain of the lab may reach. */
export function reachOf({ domains, channels }: LabShape, id: number): Reach {
  const others = domains.filter((domain) => domain.id !== id).map((domain) => domain.id);
  if (channels === undefined) return { domains: others, ports: undefined };
  const idOf = new Map(domains.map((domain) => [domain.name, domain.id]));
  const ports = new Map<number, number[]>();
  for (const { server, port, client } of channels) {
    const owner = idOf.get(server);
    if (idOf.get(client) !== id || owner === undefined) continue;
    ports.set(owner, [...(ports.get(owner) ?? []), port]);
  }
  return { domains: others, ports };
}

/** What joins domains, without what they are made of. */
export interface LabShape {
  readonly domains: readonly { readonly name: string; readonly id: number }[];
  readonly channels: readonly LabChannel[] | undefined;
  readonly switch: readonly string[];
}

/**
 * Names that are there, identities and ports that are nobody else's. Throws {@link LabConfigError}.
 */
export function checkLab({ domains, channels = [], switch: ports }: LabShape, where: string): void {
  const byId = new Map<number, string>();
  for (const { name, id } of domains) {
    const other = byId.get(id);
    if (other !== undefined) {
      const next = `give ${name} another id than ${other} has`;
      throw new LabConfigError(where, `domains.${name}.id`, `${id}, which is ${other}'s`, next);
    }
    byId.set(id, name);
  }
  const names = new Set(domains.map(({ name }) => name));
  const expectName = (name: string, field: string): void => {
    if (names.has(name)) return;
    const next = `name one of: ${[...names].join(', ')}`;
    throw new LabConfigError(where, field, `${name}, which is no domain of this lab`, next);
  };
  const owners = new Map<string, string>();
  for (const [index, { server, port, client }] of channels.entries()) {
    const field = `channels.${index}`;
    expectName(server, `${field}.server`);
    expectName(client, `${field}.client`);
    if (server === client) {
      const next = 'channels within a domain need no entry';
      throw new LabConfigError(where, field, `${server} on both sides`, next);
    }
    const other = owners.get(`${server} ${port}`);
    if (other !== undefined) {
      const found = `port ${port} of ${server} for ${client}, and for ${other} before`;
      throw new LabConfigError(where, field, found, 'a port has one client: choose another port');
    }
    owners.set(`${server} ${port}`, client);
  }
  for (const [index, name] of ports.entries()) {
    expectName(name, `switch.${index}`);
    if (ports.indexOf(name) !== index) {
      const next = 'a domain has one port of the switch';
      throw new LabConfigError(where, `switch.${index}`, `${name} twice`, next);
    }
  }
}

const Name = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9-]{0,31}$/, 'a name: small letters, digits and -, at most 32'),
);
const Path = v.pipe(v.string(), v.minLength(1, 'a path'));

const Domain = v.strictObject({
  id: v.pipe(
    v.number(),
    v.integer(),
    v.minValue(1, '1 to 32751'),
    v.maxValue(ORIGIN_LIMITS.domain, '1 to 32751'),
  ),
  kernel: v.optional(Path),
  initrd: v.optional(Path),
  bios: v.optional(Path),
  append: v.optional(v.pipe(v.string(), v.maxLength(2048, 'at most 2048 characters'))),
  disks: v.optional(v.pipe(v.array(Path), v.maxLength(8, 'at most 8 disks'))),
  memory: v.optional(v.string()),
  clock: v.optional(v.picklist(['host', 'virtual'])),
  rng: v.optional(
    v.union([v.picklist(['host', 'none']), v.pipe(v.number(), v.integer(), v.minValue(0))]),
  ),
  engine: v.optional(v.picklist(['auto', 'interpreter', 'translator'])),
});

const Channels = v.array(
  v.strictObject({
    server: v.string(),
    port: v.pipe(
      v.number(),
      v.integer(),
      v.minValue(1, '1 to 4095'),
      v.maxValue(4095, '1 to 4095'),
    ),
    client: v.string(),
  }),
);

const File = v.strictObject({
  domains: v.pipe(
    v.record(Name, Domain),
    v.check((domains) => {
      const count = Object.keys(domains).length;
      return count >= 1 && count <= ORIGIN_LIMITS.clockEntries;
    }, `1 to ${ORIGIN_LIMITS.clockEntries} domains`),
  ),
  channels: v.optional(v.pipe(Channels, v.maxLength(4096, 'at most 4096 channels'))),
  switch: v.optional(v.array(v.string())),
});

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new LabConfigError(where, '', found, 'write JSON: see casmotion record --help');
  }
}

/** The description of a lab says what cannot be. */
export class LabConfigError extends VmError {
  override readonly name = 'LabConfigError';
  constructor(file: string, field: string, found: string, next?: string) {
    super('this is no lab that can be run', {
      where: field === '' ? file : `${file}, ${field}`,
      found,
      next: next ?? 'see docs/lab.md for what a lab.json holds',
    });
  }
}
