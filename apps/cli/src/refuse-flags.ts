/** Flags that do not go with others are refused, and never ignored. */
import { VmError } from '@casmotion/base';

/** What of a flag's definition says whether it was given. */
interface FlagDefinition {
  readonly kind?: string;
  readonly default?: unknown;
  parse?(text: string): unknown;
}

export interface Refusal {
  /** What is expected in place of such a flag. */
  readonly because: string;
  /** Whose help says more. */
  readonly command: string;
}

/** Throws where one of `refused` was given; one that was given its default is not seen. */
export function refuseFlags(
  flags: object,
  refused: Readonly<Record<string, FlagDefinition>>,
  { because, command }: Refusal,
): void {
  const values = flags as Readonly<Record<string, unknown>>;
  const given = Object.entries(refused).find(([name, definition]) =>
    isGiven(values[name], definition),
  );
  if (given === undefined) return;
  throw new VmError('these flags do not go together', {
    where: `--${given[0].replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    expected: because,
    next: `casmotion ${command} --help`,
  });
}

function isGiven(value: unknown, definition: FlagDefinition): boolean {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return false;
  const { default: otherwise } = definition;
  const isText = typeof otherwise === 'string' && definition.parse !== undefined;
  return value !== (isText ? definition.parse?.(otherwise) : otherwise);
}
