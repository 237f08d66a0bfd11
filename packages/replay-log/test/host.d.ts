/** The few host functions that tests use; the package itself compiles without any host's types. */
declare module 'node:fs' {
  export function readFileSync(path: string): Uint8Array;
  export function readFileSync(path: string, encoding: 'utf8'): string;
  export function existsSync(path: string): boolean;
  export function writeFileSync(path: string, bytes: Uint8Array): void;
}

interface ImportMeta {
  /** Set by Node and vitest: the folder of this module. */
  readonly dirname: string;
}
