/**
 * Many good logs, many changes of each: records subjects of seeds, replays them, perturbs them, and
 * counts what came of it, by kind of event. What fails names the command that repeats it.
 */
import { Prng } from '@casmotion/base';
import type { PmuConfig } from '@casmotion/machine';
import { type LogTools } from '@casmotion/replay-log';
import { formatDivergence } from '../../src/index.ts';
import { Judge, type JudgeOptions, type Judgement, type Verdict } from './judge.ts';
import { CHANGES } from './perturbations.ts';
import type { Script } from './script.ts';
import { recordSubjects, type SubjectName } from './subjects.ts';

export interface CampaignOptions {
  readonly tools: LogTools;
  readonly seed: number;
  readonly names: readonly SubjectName[];
  /** Changes of each recording, by steps and by branches each. */
  readonly cases: number;
  readonly skidMax: number;
  readonly tamper?: JudgeOptions['tamper'];
  readonly onJudged?: (judgement: Judgement, about: string) => void;
}

/** Counts of one kind of event, or of landmarks. */
export interface KindCounts extends Record<Verdict, number> {
  /** Events in the good logs. */
  provoked: number;
  /** Good logs that have it, and replays of them that matched. */
  recorded: number;
  replayed: number;
  perturbed: number;
}

export class Campaign {
  readonly kinds = new Map<string, KindCounts>();
  readonly changes = new Map<string, Record<Verdict, number>>();
  readonly failures: string[] = [];
  recordings = 0;
  replays = 0;
  divergences = 0;

  /** All that belongs to one seed. */
  async run(options: CampaignOptions): Promise<void> {
    for (const name of options.names) {
      for (const subject of await recordSubjects(options.tools, name, options.seed)) {
        this.recordings++;
        for (const pmu of [undefined, pmuOf(options)]) {
          const { tools, tamper } = options;
          // Short runs are the interpreter's; a translator's regions cost more than they save.
          const engine = options.seed % 4 === 0 ? 'translator' : 'interpreter';
          const judge = await Judge.of(subject, { tools, pmu, engine, tamper });
          const about = `${subject.name}, ${placesText(pmu)}`;
          if (pmu === undefined) this.#countEvents(judge.script);
          await this.#replayGood(judge, about);
          await this.#perturb(judge, about, options);
        }
      }
    }
  }

  get missed(): number {
    return [...this.kinds.values()].reduce((sum, { missed }) => sum + missed, 0);
  }

  async #replayGood(judge: Judge, about: string): Promise<void> {
    const result = await judge.replayGood();
    this.replays++;
    if (result.kind === 'divergence') {
      this.divergences++;
      this.failures.push(`${about}: the good log diverged: ${formatDivergence(result.report)}`);
      return;
    }
    for (const kind of kindsOf(judge.script)) this.#of(kind).replayed++;
  }

  async #perturb(judge: Judge, about: string, options: CampaignOptions): Promise<void> {
    const random = new Prng(options.seed);
    const { items } = judge.script;
    const kinds = [...kindsOf(judge.script)];
    for (let done = 0, tries = 0; done < options.cases && tries < options.cases * 4; tries++) {
      const kind = kinds[tries % kinds.length];
      const ofKind = items.flatMap((item, index) => (kindOf(item) === kind ? [index] : []));
      const judged = await judge.judge(random.pick(ofKind), random.pick(CHANGES), random);
      if (judged === undefined) continue;
      done++;
      this.#countVerdict(judged);
      options.onJudged?.(judged, about);
      if (judged.verdict === 'missed') {
        this.failures.push(`${about}: ${judged.what}: MISSED: ${judged.detail}`);
      }
    }
  }

  #countEvents(script: Script): void {
    for (const item of script.items) this.#of(kindOf(item)).provoked++;
    for (const kind of kindsOf(script)) this.#of(kind).recorded++;
  }

  #countVerdict({ kind, change, verdict }: Judgement): void {
    const counts = this.#of(kind);
    counts.perturbed++;
    counts[verdict]++;
    const byChange = this.changes.get(change) ?? { ...NO_VERDICTS };
    this.changes.set(change, byChange);
    byChange[verdict]++;
  }

  #of(kind: string): KindCounts {
    const counts = this.kinds.get(kind) ?? { ...NO_COUNTS };
    this.kinds.set(kind, counts);
    return counts;
  }
}

/** Its skid and kind follow from the seed. */
function pmuOf({ seed, skidMax }: CampaignOptions): PmuConfig {
  const random = new Prng(seed);
  const kind = random.pick(['branches', 'branches+register'] as const);
  return { kind, skid: random.below(skidMax + 1), seed, overcount: 0 };
}

function placesText(pmu: PmuConfig | undefined): string {
  return pmu === undefined ? 'by steps' : `by ${pmu.kind}, skid ${pmu.skid}`;
}

function kindOf(item: Script['items'][number]): string {
  return item.kind === 'event' ? item.event.kind : 'landmark';
}

function kindsOf({ items }: Script): Set<string> {
  return new Set(items.map(kindOf));
}

const NO_VERDICTS: Record<Verdict, number> = { caught: 0, equivalent: 0, refused: 0, missed: 0 };
const NO_COUNTS: KindCounts = {
  ...{ provoked: 0, recorded: 0, replayed: 0, perturbed: 0 },
  ...NO_VERDICTS,
};
