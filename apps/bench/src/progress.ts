/** What is being measured: on a terminal one line, written over; elsewhere a line a workload. */
import type { PlanProgress } from './run-plan.ts';

export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export class Progress {
  readonly #stream: ProgressStream;
  readonly #start = process.hrtime.bigint();
  #workload = '';
  #hasLine = false;

  constructor(stream: ProgressStream) {
    this.#stream = stream;
  }

  update({ workload, lane, round, doneLanes, totalLanes }: PlanProgress): void {
    const seconds = Number(process.hrtime.bigint() - this.#start) / 1e9;
    const part = doneLanes / totalLanes;
    const left = part > 0.02 ? `, about ${duration((seconds / part) * (1 - part))} left` : '';
    const percent = `${Math.floor(part * 100)} %`.padStart(5);
    if (this.#stream.isTTY === true) {
      const phase = round === undefined ? 'warm-up' : `run ${round + 1}`;
      const what = `${workload}, ${lane.subject} ${lane.mode} ${lane.variant}, ${phase}`;
      const line = `${percent}  ${what}  (${duration(seconds)}${left})`;
      this.hide();
      this.#stream.write(line.slice(0, (this.#stream.columns ?? 80) - 1));
      this.#hasLine = true;
    } else if (workload !== this.#workload) {
      this.#stream.write(`${percent}  ${workload}  (${duration(seconds)}${left})\n`);
    }
    this.#workload = workload;
  }

  /** A line that stays. */
  say(text: string): void {
    this.hide();
    this.#stream.write(`${text}\n`);
  }

  hide(): void {
    if (this.#hasLine) this.#stream.write('\r\u001B[K');
    this.#hasLine = false;
  }
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
