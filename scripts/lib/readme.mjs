/** The running example of a README, and what it says that the example prints. */

/**
 * The first block fenced as "ts example", and the first fenced as "text output".
 * @param {string} readme
 * @returns {{ code: string, output: string | undefined } | undefined} undefined without an example
 */
export function readExample(readme) {
  const code = fencedBlock(readme, 'ts example');
  return code === undefined ? undefined : { code, output: fencedBlock(readme, 'text output') };
}

/**
 * @param {string} text
 * @param {string} info what stands behind the fence
 */
function fencedBlock(text, info) {
  const lines = text.split('\n');
  const start = lines.indexOf(`\`\`\`${info}`);
  const end = lines.indexOf('```', start + 1);
  return start < 0 || end < 0 ? undefined : `${lines.slice(start + 1, end).join('\n')}\n`;
}
