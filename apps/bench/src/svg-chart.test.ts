/**
 * Goal: a chart is well-formed SVG whose bars have the lengths of their values. Method: small
 * charts; tags counted, coordinates read back.
 */
import { expect, test } from 'vitest';
import { type BarChart, drawBarChart } from './svg-chart.ts';

const bar = (value: number) => ({ value, min: value, max: value });
const CHART: BarChart = {
  title: 'a < b & c',
  axis: 'times',
  scale: 'linear',
  series: ['first', 'second'],
  groups: [
    { label: 'one', values: [bar(1), bar(2)] },
    { label: 'two', values: [undefined, bar(4)] },
  ],
  reference: 1,
};

/** Widths of the bars, which alone have a series' colour and more than the legend's height. */
function barWidths(svg: string): number[] {
  return [...svg.matchAll(/<rect x="150" y="[\d.]+" width="([\d.]+)" height="11"/g)].map(
    ([, width]) => Number(width),
  );
}

test('linear: lengths are in proportion, what is missing has none', () => {
  const [one = 0, two = 0, four = 0, ...more] = barWidths(drawBarChart(CHART));
  expect(more).toEqual([]);
  expect(two / one).toBeCloseTo(2, 2);
  expect(four / one).toBeCloseTo(4, 2);
});

test('logarithmic: equal ratios are equal distances', () => {
  const groups = [{ label: 'x', values: [bar(20), bar(200), bar(2000)] }];
  const [a = 0, b = 0, c = 0] = barWidths(
    drawBarChart({ ...CHART, scale: 'logarithmic', series: ['a', 'b', 'c'], groups }),
  );
  expect(b - a).toBeCloseTo(c - b, 0);
});

test('text is escaped and every tag is closed', () => {
  const svg = drawBarChart(CHART);
  expect(svg).toContain('a &lt; b &amp; c');
  expect(svg.match(/<text /g)?.length).toBe(svg.match(/<\/text>/g)?.length);
  expect(svg).toMatch(/^<svg [^>]+>[^]*<\/svg>\n$/);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});

test('a chart of nothing is a chart', () => {
  for (const scale of ['linear', 'logarithmic'] as const) {
    const svg = drawBarChart({ ...CHART, scale, groups: [] });
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  }
});
