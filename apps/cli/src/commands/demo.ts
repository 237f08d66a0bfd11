/**
 * `casmotion demo`: a bug that comes and goes is recorded until it comes, and then comes every
 * time. Recordings run under the host's clock, so that where timer interrupts fall is the host's
 * doing.
 */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '@casmotion/base';
import type { MachineOutputs } from '@casmotion/events';
import {
  type MachineRequest,
  openLogFile,
  openMachineFiles,
  replaySession,
  type RunOutcome,
  runSession,
  startHostClock,
} from '@casmotion/host-node';
import { formatDivergence } from '@casmotion/recorder';
import { countEvents, createLogTools, type LogTools } from '@casmotion/replay-log';
import { buildCommand } from '@stricli/core';
import { type CliContext, CREATOR } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { OUTPUT_FLAGS } from '../flags.ts';
import { formatBytes, formatDensity, formatNumber, formatSeconds, formatShort } from '../format.ts';
import { FlagValueError } from '../parse-values.ts';
import { type CommandResult, finish, type OutputFlags, StoppedError } from '../result.ts';
import { hexOrNull } from './run-machine.ts';

interface Flags extends OutputFlags {
  readonly output?: string;
  readonly runs: number;
}

export const demoCommand = buildCommand<Flags, [], CliContext>({
  docs: {
    brief: 'Record a race until it bites, then replay it three times',
    fullDescription: [
      'Records the embedded guest under the clock of this host until its race loses an update,',
      'then replays that very recording three times on fresh machines: the same failure and the',
      'same digests each time. Takes some seconds.',
      '',
      'Examples:',
      '  casmotion demo',
      '  casmotion demo --output race.cmr     keeps the recording',
      '',
      'Exit codes: 0 recorded and replayed alike, 1 bad usage or file, 2 a replay differs,',
      '3 the race did not bite.',
    ].join('\n'),
  },
  parameters: {
    flags: {
      output: {
        kind: 'parsed',
        parse: String,
        optional: true,
        placeholder: 'FILE',
        brief: 'Keep the recording of the failure',
      },
      runs: {
        kind: 'parsed',
        parse: parseRuns,
        default: '100',
        placeholder: 'N',
        brief: 'Give up after so many recordings',
      },
      ...OUTPUT_FLAGS,
    },
    aliases: { o: 'output' },
  },
  func(flags) {
    return finish(this, flags, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'casmotion-demo-'));
      try {
        const isSilent = flags.json || flags.quiet;
        const say = (line: string): void => {
          if (!isSilent) this.process.stdout.write(`${line}\n`);
        };
        return await new Demo(await createLogTools(), folder, say).run(flags);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  },
});

/** One recording of the demonstration. */
interface Take {
  readonly number: number;
  readonly logPath: string;
  readonly outcome: RunOutcome;
  readonly hasBitten: boolean;
  /** The guest's own line about its race. */
  readonly verdict: string;
}

class Demo {
  readonly #tools: LogTools;
  readonly #folder: string;
  readonly #say: (line: string) => void;
  readonly #elapsed = startHostClock();

  constructor(tools: LogTools, folder: string, say: (line: string) => void) {
    this.#tools = tools;
    this.#folder = folder;
    this.#say = say;
  }

  async run({ runs, output }: Flags): Promise<CommandResult> {
    this.#say("Recording the embedded guest under this host's clock until its race bites:\n");
    const takes = await this.#recordUntilBoth(runs);
    const bad = takes.find(({ hasBitten }) => hasBitten);
    const bites = takes.filter(({ hasBitten }) => hasBitten).length;
    if (bad === undefined) {
      const line = `The race did not bite in ${takes.length} runs. That happens: run it again.`;
      return { json: { exit: EXIT.guestFailed, runs: takes.length, bites }, lines: [line] };
    }
    const logPath = output ?? bad.logPath;
    if (output !== undefined) copyFileSync(bad.logPath, output);
    const { steps, logBytes, events } = bad.outcome;
    this.#say(
      `\nRun ${bad.number} failed. Its log: ${formatBytes(logBytes)} for ` +
        `${formatShort(steps)} instructions, ${formatDensity(logBytes, steps)},`,
    );
    this.#say(
      `${formatNumber(countEvents(events), 'event')}. ` +
        'Replaying it three times, each on a fresh machine:\n',
    );
    let isSame = true;
    for (let number = 1; number <= REPLAYS; number++) {
      isSame = (await this.#replay(number, logPath, bad)) && isSame;
    }
    const json = {
      exit: isSame ? EXIT.ok : EXIT.divergence,
      ...(output === undefined ? {} : { path: output }),
      steps,
      wallSeconds: this.#elapsed() / 1e9,
      logBytes,
      events,
      outputDigest: hexOrNull(bad.outcome.outputDigest),
      stateDigest: hexOrNull(bad.outcome.stateDigest),
      runs: takes.length,
      bites,
      failure: bad.verdict,
      bytesPerMillionInstructions: logBytes / (steps / 1e6),
    };
    const words = isSame
      ? `The same failure ${REPLAYS} times out of ${REPLAYS}, to the last bit of memory.`
      : 'A REPLAY DIFFERS: this is a bug in casmotion, please report it.';
    this.#say(`\n${words} (${formatSeconds(this.#elapsed() / 1e9)})`);
    if (output !== undefined) this.#say(`next: casmotion replay ${output}`);
    return { json, lines: [] };
  }

  /** Until one run failed and one did not, or `runs` are over. */
  async #recordUntilBoth(runs: number): Promise<Take[]> {
    const takes: Take[] = [];
    while (takes.length < runs) {
      const take = await this.#record(takes.length + 1);
      takes.push(take);
      const { steps, logBytes } = take.outcome;
      const mark = take.hasBitten ? 'FAILED' : 'passed';
      this.#say(
        `  run ${String(take.number).padStart(3)}  ${mark}  ${take.verdict}` +
          `  (${formatShort(steps)} instructions, log ${logBytes} bytes)`,
      );
      if (takes.some((each) => each.hasBitten) && takes.some((each) => !each.hasBitten)) break;
    }
    return takes;
  }

  async #record(number: number): Promise<Take> {
    const logPath = join(this.#folder, `run-${number}.cmr`);
    const console = new TextOutput();
    const files = await openMachineFiles(DEMO_MACHINE, this.#tools.hashes);
    const outcome = await runSession({
      files,
      tools: this.#tools,
      logPath,
      isEmbedding: false,
      creator: CREATOR,
      outputs: console,
      input: undefined,
      timeoutSeconds: RUN_TIMEOUT_SECONDS,
      maxInstructions: undefined,
      wantsDigests: true,
      commitPath: undefined,
    });
    files.close();
    if (outcome.end.by === 'host') {
      throw new StoppedError(
        outcome.end.cause === 'interrupted' ? EXIT.ok : EXIT.timeout,
        'the demonstration was ended before its end',
        { found: outcome.end.cause },
      );
    }
    const verdict = console.text.split(/\r?\n/).find((line) => /^race: /i.test(line)) ?? '';
    const hasBitten = outcome.end.by === 'guest' && outcome.end.cause === 'failure';
    return { number, logPath, outcome, hasBitten, verdict };
  }

  async #replay(number: number, logPath: string, bad: Take): Promise<boolean> {
    const log = openLogFile(logPath, this.#tools);
    const console = new TextOutput();
    const { result, wallSeconds } = await replaySession({
      log,
      tools: this.#tools,
      imageDir: undefined,
      outputs: console,
      isVerify: true,
      nextCommand: 'casmotion demo',
    });
    log.close();
    if (result.kind === 'divergence') {
      this.#say(formatDivergence(result.report));
      return false;
    }
    const verdict = console.text.split(/\r?\n/).find((line) => /^race: /i.test(line)) ?? '';
    this.#say(`  replay ${number}  ${verdict}  (${formatSeconds(wallSeconds)})`);
    this.#say(
      `            output ${toHex(result.outputDigest)}  state ${toHex(result.stateDigest)}`,
    );
    return (
      verdict === bad.verdict &&
      toHex(result.outputDigest) === hexOrNull(bad.outcome.outputDigest) &&
      toHex(result.stateDigest) === hexOrNull(bad.outcome.stateDigest)
    );
  }
}

/** The guest's console as text. */
class TextOutput implements MachineOutputs {
  readonly #parts: Buffer[] = [];

  get text(): string {
    return Buffer.concat(this.#parts).toString('utf8');
  }

  consoleOutput(_console: number, bytes: Uint8Array): void {
    this.#parts.push(Buffer.from(bytes));
  }

  netPacket(): void {
    // There is no network.
  }
}

function parseRuns(text: string): number {
  const runs = Number(text);
  if (Number.isInteger(runs) && runs >= 1 && runs <= 10_000) return runs;
  throw new FlagValueError('--runs', 'a number from 1 to 10000', text);
}

const REPLAYS = 3;
const RUN_TIMEOUT_SECONDS = 60;

const DEMO_MACHINE: MachineRequest = {
  kernel: undefined,
  initrd: undefined,
  bios: undefined,
  append: 'demo',
  disks: [],
  ramSizeBytes: 64 * 2 ** 20,
  virtio: 'modern',
  rng: 'host',
  net: 'none',
  hasVirtioConsole: false,
  clock: 'host',
};
