/** Numbers for people. */

/** `1,234,567`. */
export function formatCount(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 event`, `2 events`. */
export function formatNumber(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** `55.0 M`, three digits; a small whole number as it is. */
export function formatShort(count: number): string {
  for (const [size, suffix] of [
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (count >= size) return `${(count / size).toPrecision(3)} ${suffix}`;
  }
  return Number.isInteger(count) ? String(count) : count.toPrecision(3);
}

/** `12.3 MiB`. */
export function formatBytes(sizeBytes: number): string {
  for (const [exponent, suffix] of [
    [30, 'GiB'],
    [20, 'MiB'],
    [10, 'KiB'],
  ] as const) {
    if (sizeBytes >= 2 ** exponent) return `${(sizeBytes / 2 ** exponent).toFixed(1)} ${suffix}`;
  }
  return `${sizeBytes} bytes`;
}

export function formatSeconds(seconds: number): string {
  return seconds < 10 ? `${seconds.toFixed(2)} s` : `${seconds.toFixed(0)} s`;
}

/** Bytes of log per million instructions: the density of what the host decided. */
export function formatDensity(logBytes: number, steps: number): string {
  if (steps === 0) return 'no instructions';
  return `${formatCount(Math.round(logBytes / (steps / 1e6)))} bytes per million instructions`;
}
