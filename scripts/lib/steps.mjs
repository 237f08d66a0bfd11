/**
 * Named steps with visible progress: a child process each, its output kept and shown if it fails.
 * On a terminal one line tells the time and what the step says; elsewhere a line now and then.
 */
import { spawn } from 'node:child_process';

/**
 * @typedef {object} StepResult
 * @property {string} title
 * @property {boolean} isOk
 * @property {number} seconds
 *
 * @typedef {object} StepOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env]
 * @property {boolean} [isLive] the child writes to our own output: it shows its progress itself
 */

const HEARTBEAT_SECONDS = 15;
const IS_TERMINAL = process.stdout.isTTY === true;

/**
 * Runs a command to its end. Never throws for what the command does.
 * @param {string} title an order: "build the packages"
 * @param {string} command
 * @param {readonly string[]} args
 * @param {StepOptions} [options]
 * @returns {Promise<StepResult>}
 */
export async function runStep(title, command, args, options = {}) {
  const { isLive = false, ...spawnOptions } = options;
  const start = process.hrtime.bigint();
  const elapsed = () => Number((process.hrtime.bigint() - start) / 1_000_000n) / 1000;
  console.log(`> ${title}`);
  const output = new Output(title, elapsed, isLive);
  const code = await new Promise((resolve) => {
    /** @type {import('node:child_process').StdioOptions} */
    const stdio = isLive ? 'inherit' : ['ignore', 'pipe', 'pipe'];
    const child = spawn(command, [...args], { ...spawnOptions, stdio });
    child.stdout?.on('data', (chunk) => output.add(chunk));
    child.stderr?.on('data', (chunk) => output.add(chunk));
    child.on('error', (error) => {
      output.add(Buffer.from(`${command}: ${error.message}\n`));
      resolve(1);
    });
    child.on('close', (status) => resolve(status ?? 1));
  });
  const isOk = code === 0;
  output.end();
  if (!isOk) output.print();
  console.log(`  ${isOk ? 'done' : `FAILED (exit code ${code})`} in ${elapsed().toFixed(1)} s`);
  return { title, isOk, seconds: elapsed() };
}

/** What a step says, kept for a failure; meanwhile its last line is the progress. */
class Output {
  /** @type {Buffer[]} */
  #chunks = [];
  #lastLine = '';
  #timer;

  /**
   * @param {string} title
   * @param {() => number} elapsed seconds
   * @param {boolean} isLive
   */
  constructor(title, elapsed, isLive) {
    if (isLive) return;
    const beat = () => {
      const text = `  ${elapsed().toFixed(0)} s  ${this.#lastLine || title}`;
      if (IS_TERMINAL) process.stdout.write(`\r${text.slice(0, columns() - 1)}\x1b[K`);
      else console.log(text);
    };
    this.#timer = setInterval(beat, IS_TERMINAL ? 200 : HEARTBEAT_SECONDS * 1000);
  }

  /** @param {Buffer} chunk */
  add(chunk) {
    this.#chunks.push(chunk);
    const lines = plain(chunk.toString('utf8')).split('\n');
    this.#lastLine = lines.findLast((line) => line.trim() !== '')?.trim() ?? this.#lastLine;
  }

  end() {
    clearInterval(this.#timer);
    if (IS_TERMINAL && this.#timer !== undefined) process.stdout.write('\r\x1b[K');
  }

  print() {
    if (this.#chunks.length > 0) process.stdout.write(Buffer.concat(this.#chunks));
  }
}

function columns() {
  return process.stdout.columns ?? 80;
}

/**
 * Without colours and cursor movements.
 * @param {string} text
 */
function plain(text) {
  return text.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\r', '\n');
}
