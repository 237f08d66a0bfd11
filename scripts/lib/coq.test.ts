/**
 * Goal: the check of `proof/` sees every hole, asks for every theorem, and the theorems that
 * `proof/README.md` promises are there. Method: small sources; then the repository's own, for which
 * no Coq is needed.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  assumptionsSource,
  findHoles,
  promisedTheorems,
  readAssumptions,
  theoremAt,
  theoremNames,
  withoutComments,
} from './coq.mjs';

const PROOF = fileURLToPath(new URL('../../proof', import.meta.url));
const sourceOf = (file: string): string => readFileSync(join(PROOF, file), 'utf8');
const FILES = readdirSync(PROOF).filter((name) => name.endsWith('.v'));

describe('sources', () => {
  it('comments nest, and lines stay where they are', () => {
    expect(withoutComments('a (* b (* c *)\n d *) e')).toBe('a             \n      e');
  });

  it.each([
    ['Lemma a : P.\nProof. Admitted.', 2, 'Admitted'],
    ['Proof. intros; admit. Qed.', 1, 'admit'],
    ['Axiom a : False.', 1, 'Axiom'],
    ['\nParameter n : nat.', 2, 'Parameter'],
    ['Unset Guard Checking.', 1, 'Unset Guard Checking'],
  ])('a hole: %s', (source, line, word) => {
    expect(findHoles(source)).toEqual([{ line, word }]);
  });

  it.each(['(* Admitted *)', 'Variable a : nat.', 'Lemma admitted_once : P.'])(
    'no hole: %s',
    (source) => {
      expect(findHoles(source)).toEqual([]);
    },
  );

  it('names of theorems carry their modules, not their sections', () => {
    const source = [
      'Section S.',
      'Theorem a (n : nat) : P.',
      'End S.',
      'Module M.',
      "  Example b' : P.",
      '  Section T.',
      '  Corollary c : P.',
      '  End T.',
      'End M.',
      '(* Lemma d : P. *) Definition e := 1.',
    ].join('\n');
    expect(theoremNames(source)).toEqual(['a', "M.b'", 'M.c']);
    expect([1, 2, 3, 7].map((line) => theoremAt(source, line))).toEqual([undefined, 'a', 'a', 'c']);
  });
});

it('assumptions are read back theorem by theorem', () => {
  const source = assumptionsSource([{ file: 'Replay', name: 'a' }]);
  expect(source).toContain('Print Assumptions CASMotion.Replay.a.');
  const output = '@@ Replay.a\nClosed under the global context\n@@ Replay.b\nAxioms:\nx : False\n';
  expect([...readAssumptions(output)]).toEqual([
    ['Replay.a', 'Closed under the global context'],
    ['Replay.b', 'Axioms:\nx : False'],
  ]);
});

describe('proof/', () => {
  it.each(FILES)('%s has no hole and says something', (file) => {
    expect(findHoles(sourceOf(file))).toEqual([]);
    expect(sourceOf(file).startsWith('(** * ')).toBe(true);
  });

  it('the canaries have what they are for', () => {
    expect(findHoles(sourceOf('negative/admitted.v'))).not.toEqual([]);
    expect(findHoles(sourceOf('negative/classical.v'))).toEqual([]);
  });

  it('README names only theorems that are there', () => {
    const promised = promisedTheorems(sourceOf('README.md'));
    expect(promised.length).toBeGreaterThan(20);
    const missing = promised.filter(({ name, file }) => {
      return !FILES.includes(file) || !theoremNames(sourceOf(file)).includes(name);
    });
    expect(missing).toEqual([]);
  });

  it('each weakening fits its source once', () => {
    const mutants: { file: string; replace: string; by: string; failsIn: string; proof: string }[] =
      JSON.parse(sourceOf('negative/weakened.json'));
    expect(mutants.length).toBeGreaterThan(8);
    for (const { file, replace, by, failsIn, proof } of mutants) {
      expect(sourceOf(file).split(replace), replace).toHaveLength(2);
      expect(by).not.toBe(replace);
      expect(theoremNames(sourceOf(failsIn))).toContain(proof);
    }
  });
});
