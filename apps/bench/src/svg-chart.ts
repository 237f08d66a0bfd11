/** A chart of horizontal bars as SVG text, readable on light and dark pages. */

export interface BarChart {
  readonly title: string;
  /** Of the axis, with its unit. */
  readonly axis: string;
  readonly scale: 'linear' | 'logarithmic';
  /** Names of the bars of a group, in order. */
  readonly series: readonly string[];
  readonly groups: readonly { readonly label: string; readonly values: readonly Bar[] }[];
  /** A line across, such as 1 where ratios are shown. */
  readonly reference?: number;
}

/** A median with its range; undefined: nothing to show. */
export type Bar =
  | { readonly value: number; readonly min: number; readonly max: number }
  | undefined;

export function drawBarChart(chart: BarChart): string {
  const toX = createScale(chart);
  const rows = chart.groups.length;
  const groupHeight = chart.series.length * BAR_HEIGHT + GROUP_GAP;
  const plotBottom = TOP + rows * groupHeight;
  const height = plotBottom + BOTTOM;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}"` +
      ` height="${height}" font-family="sans-serif" font-size="12" role="img">`,
    `<title>${escapeXml(chart.title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(LEFT, 22, chart.title, 'font-size="15" font-weight="bold"'),
    ...drawLegend(chart.series),
    ...drawAxis(chart, toX, plotBottom),
    ...chart.groups.flatMap((group, index) =>
      drawGroup(chart, index, group, TOP + index * groupHeight, toX),
    ),
    ...drawReference(chart, toX, plotBottom),
    '</svg>',
    '',
  ].join('\n');
}

type Scale = { readonly x: (value: number) => number; readonly ticks: readonly number[] };

function createScale({ groups, scale, reference }: BarChart): Scale {
  const all = groups.flatMap(({ values }) => values.flatMap((bar) => bar?.max ?? []));
  const low = groups.flatMap(({ values }) => values.flatMap((bar) => bar?.min ?? []));
  const most = Math.max(...all, reference ?? 0, 1e-9);
  const width = WIDTH - LEFT - RIGHT;
  if (scale === 'linear') {
    const step = niceStep(most / 5);
    const end = Math.ceil(most / step) * step;
    const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, i) => i * step);
    return { x: (value) => LEFT + (value / end) * width, ticks };
  }
  const positive = low.filter((value) => value > 0);
  const first = Math.floor(Math.log10(Math.min(...positive, most)));
  const last = Math.max(first + 1, Math.ceil(Math.log10(most)));
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
  const x = (value: number): number => {
    const part = (Math.log10(Math.max(value, 10 ** first)) - first) / (last - first);
    return LEFT + part * width;
  };
  return { x, ticks };
}

/** 1, 2 or 5 times a power of ten, at least `step`. */
function niceStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * ([1, 2, 5].find((factor) => factor * power >= step) ?? 10);
}

function drawLegend(series: readonly string[]): string[] {
  let x = LEFT;
  return series.flatMap((name, index) => {
    const at = x;
    x += 26 + name.length * 7;
    return [
      `<rect x="${at}" y="32" width="10" height="10" fill="${colorOf(index)}"/>`,
      text(at + 14, 41, name),
    ];
  });
}

function drawAxis({ axis }: BarChart, { x, ticks }: Scale, bottom: number): string[] {
  return [
    ...ticks.flatMap((tick) => [
      `<line x1="${round(x(tick))}" x2="${round(x(tick))}" y1="${TOP - 4}" y2="${bottom}"` +
        ` stroke="#dddddd"/>`,
      text(x(tick), bottom + 14, tickText(tick), 'text-anchor="middle" fill="#444444"'),
    ]),
    text((LEFT + WIDTH - RIGHT) / 2, bottom + 32, axis, 'text-anchor="middle"'),
  ];
}

function drawGroup(
  { series }: BarChart,
  index: number,
  { label, values }: BarChart['groups'][number],
  top: number,
  { x }: Scale,
): string[] {
  const middle = top + (series.length * BAR_HEIGHT) / 2 + 4;
  const stripe =
    index % 2 === 0
      ? []
      : [
          `<rect x="0" y="${top - GROUP_GAP / 2}" width="${WIDTH}"` +
            ` height="${series.length * BAR_HEIGHT + GROUP_GAP}" fill="#000000" opacity="0.04"/>`,
        ];
  const bars = values.flatMap((bar, i) => {
    if (bar === undefined) return [];
    const y = top + i * BAR_HEIGHT;
    const width = Math.max(1, round(x(bar.value) - LEFT));
    return [
      `<rect x="${LEFT}" y="${y + 1}" width="${width}" height="${BAR_HEIGHT - 2}"` +
        ` fill="${colorOf(i)}"/>`,
      `<line x1="${round(x(bar.min))}" x2="${round(x(bar.max))}" y1="${y + BAR_HEIGHT / 2}"` +
        ` y2="${y + BAR_HEIGHT / 2}" stroke="#222222"/>`,
      text(x(bar.max) + 4, y + BAR_HEIGHT - 3, tickText(bar.value), 'font-size="10"'),
    ];
  });
  return [...stripe, text(LEFT - 8, middle, label, 'text-anchor="end"'), ...bars];
}

function drawReference({ reference }: BarChart, { x }: Scale, bottom: number): string[] {
  if (reference === undefined) return [];
  const at = round(x(reference));
  return [
    `<line x1="${at}" x2="${at}" y1="${TOP - 4}" y2="${bottom}" stroke="#222222"` +
      ` stroke-dasharray="4 3"/>`,
  ];
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const more = attributes === '' ? '' : ` ${attributes}`;
  return `<text x="${round(x)}" y="${round(y)}"${more}>${escapeXml(content)}</text>`;
}

/** `1.5k`, three digits. */
function tickText(value: number): string {
  for (const [size, suffix] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (value >= size) return `${Number((value / size).toPrecision(3))}${suffix}`;
  }
  return String(Number(value.toPrecision(3)));
}

function escapeXml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function colorOf(index: number): string {
  return COLORS[index % COLORS.length] ?? '#000000';
}

const WIDTH = 860;
const LEFT = 150;
const RIGHT = 60;
const TOP = 60;
const BOTTOM = 44;
const BAR_HEIGHT = 13;
const GROUP_GAP = 8;
/** Okabe and Ito's, which colour-blind people tell apart. */
const COLORS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#999999'];
