/**
 * Writes docs/isa.md from the instruction table and the CSR table:
 *
 *   node --conditions=casmotion-source --import tsx packages/cpu-core/scripts/isa-doc.ts
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isaDocument } from './isa-document.ts';

const path = fileURLToPath(new URL('../../../docs/isa.md', import.meta.url));
writeFileSync(path, isaDocument());
console.log(`written: ${path}`);
