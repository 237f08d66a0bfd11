/** Numbers and tables for people. */
import { spreadOf, type Summary } from './statistics.ts';

/** `1.23`, three digits, never in powers of ten. */
export function formatValue(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  if (size >= 100) return String(Math.round(value)).replaceAll(/\B(?=(\d{3})+$)/g, ',');
  return size >= 10 ? value.toFixed(1) : size >= 1 ? value.toFixed(2) : value.toFixed(3);
}

/** `1.23 s ±2 %`: median, and half the range. */
export function formatSummary(summary: Summary | undefined, unit = '', scale = 1): string {
  if (summary === undefined) return '-';
  const spread = summary.count > 1 ? ` ±${(spreadOf(summary) * 100).toFixed(0)} %` : '';
  return `${formatValue(summary.median * scale)}${unit}${spread}`;
}

/** A Markdown table that is also readable as text. First column to the left, others right. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = header.map((cell, column) =>
    Math.max(3, cell.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, i) => pad(cells[i] ?? '', width, i)).join(' | ')} |`;
  const rule = widths.map((width, i) =>
    i === 0 ? `:${'-'.repeat(width - 1)}` : `${'-'.repeat(width - 1)}:`,
  );
  return [line(header), `| ${rule.join(' | ')} |`, ...rows.map((row) => line(row))].join('\n');
}

function pad(text: string, width: number, column: number): string {
  return column === 0 ? text.padEnd(width) : text.padStart(width);
}
