/**
 * `npm run docs`: writes the documents that restate code. Tests beside their generators fail while
 * one is stale.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isaDocument } from '../packages/cpu-core/scripts/isa-document.ts';
import { monitorDocument } from '../packages/recorder/scripts/monitor-document.ts';
import { eventsDocument } from '../packages/replay-log/scripts/events-document.ts';

for (const [name, text] of [
  ['isa.md', isaDocument()],
  ['events.md', eventsDocument()],
  ['monitor.md', monitorDocument()],
] as const) {
  const path = fileURLToPath(new URL(`../docs/${name}`, import.meta.url));
  writeFileSync(path, text);
  console.log(`written: docs/${name}`);
}
