/**
 * Builds the embedded guests from their sources with Debian's cross compiler, the same bytes each
 * time, and the TypeScript module that carries them. Run it after a change to embedded/: `pnpm
 * build:embedded`.
 *
 * Reproducible: source paths are mapped away, there is no build id, time or compiler note in the
 * file, and objects are linked in the order of their names.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** A program to build: all C and assembly files of its folders, and a linker script. */
export interface EmbeddedProgram {
  readonly folder: string;
  /** Other folders whose sources and headers it uses. */
  readonly libraries?: readonly string[];
  /** From its folder. */
  readonly linkerScript: string;
  readonly elfName: string;
  readonly target: Target;
}

/** What the compiler may use: architecture and calling convention. */
interface Target {
  readonly march: string;
  readonly mabi: string;
  /** Flags of C beside those of all programs. */
  readonly dialect: readonly string[];
}

const INTEGER: Target = {
  march: 'rv64imac_zicsr_zifencei',
  mabi: 'lp64',
  dialect: ['-std=c11'],
};
/** Doubles, with GNU C's default contraction: the strict dialects turn it off. */
const FLOAT: Target = {
  march: 'rv64gc_zicsr_zifencei',
  mabi: 'lp64d',
  dialect: ['-std=gnu11', '-fno-math-errno'],
};

export const EMBEDDED_FOLDER = join(dirname(fileURLToPath(import.meta.url)), '..', 'embedded');
export const GENERATED_MODULE = join(EMBEDDED_FOLDER, '..', 'src', 'embedded-elf.ts');
/** The compiler that the committed files were built with; another version may give other bytes. */
export const COMPILER = 'riscv64-unknown-elf-gcc';
export const COMPILER_VERSION = '12.2.0';

export const PROGRAMS: readonly EmbeddedProgram[] = [
  { folder: 'hello', linkerScript: 'hello.ld', elfName: 'hello.elf', target: INTEGER },
  {
    folder: 'kernel',
    libraries: ['channel'],
    linkerScript: 'kernel.ld',
    elfName: 'casmotion-guest.elf',
    target: INTEGER,
  },
  { folder: 'bench', linkerScript: 'bench.ld', elfName: 'bench.elf', target: FLOAT },
  {
    folder: 'channel-test',
    libraries: ['channel', 'bare'],
    linkerScript: '../bare/bare.ld',
    elfName: 'channel-test.elf',
    target: INTEGER,
  },
  {
    folder: 'lab',
    libraries: ['channel', 'bare'],
    linkerScript: '../bare/bare.ld',
    elfName: 'lab.elf',
    target: INTEGER,
  },
];

/** The compiler's version, or undefined if it is not installed. */
export function compilerVersion(): string | undefined {
  try {
    return execFileSync(COMPILER, ['-dumpfullversion'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

/**
 * Compiles and links one program and gives the ELF file, without debugging information, with
 * symbols.
 */
export function buildProgram(program: EmbeddedProgram): Uint8Array {
  const source = join(EMBEDDED_FOLDER, program.folder);
  const { march, mabi, dialect } = program.target;
  const machine = [`-march=${march}`, `-mabi=${mabi}`];
  const work = mkdtempSync(join(tmpdir(), 'casmotion-build-'));
  try {
    const headers = (program.libraries ?? []).map((library) => `-I../${library}`);
    const objects = sourcesOf(program).map(({ folder, name }) => {
      const object = join(work, `${basename(name)}.o`);
      // The compiler is given names without folders, so that none can reach the file.
      const paths = [`-ffile-prefix-map=${folder}=.`, ...headers];
      const flags = [...machine, ...COMPILE_FLAGS, ...dialect, ...paths];
      execFileSync(COMPILER, [...flags, '-c', name, '-o', object], { cwd: folder });
      return object;
    });
    const elf = join(work, program.elfName);
    const flags = [...machine, ...LINK_FLAGS, '-T', join(source, program.linkerScript)];
    const names = objects.map((path) => basename(path));
    execFileSync(COMPILER, [...flags, ...names, '-o', elf], { cwd: work });
    return readFileSync(elf);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** By the name of the file, whatever its folder: the order of linking. */
function sourcesOf(program: EmbeddedProgram): { folder: string; name: string }[] {
  return [program.folder, ...(program.libraries ?? [])]
    .map((part) => join(EMBEDDED_FOLDER, part))
    .flatMap((path) => readdirSync(path).map((name) => ({ folder: path, name })))
    .filter(({ name }) => /\.[cS]$/.test(name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The text of src/embedded-elf.ts. */
export function generateModule(elfs: readonly { elfName: string; bytes: Uint8Array }[]): string {
  const constants = elfs.map(({ elfName, bytes }) => {
    const name = elfName.replace('.elf', '').replaceAll('-', '_').toUpperCase();
    const base64 = Buffer.from(bytes).toString('base64');
    const lines = (base64.match(/.{1,92}/g) ?? []).map((line) => `  '${line}'`);
    return [
      `/** embedded/${elfName}, ${bytes.length} bytes. */`,
      `export const ${name}_ELF =`,
      `${lines.join(' +\n')};\n`,
    ].join('\n');
  });
  return `${GENERATED_HEADER}\n\n${constants.join('\n')}`;
}

function main(): void {
  const version = compilerVersion();
  if (version !== COMPILER_VERSION) {
    console.error(`${COMPILER} ${COMPILER_VERSION} is wanted, found ${version ?? 'none'}.`);
    console.error('  next  on Debian 12: apt-get install gcc-riscv64-unknown-elf');
    process.exitCode = 1;
    return;
  }
  mkdirSync(EMBEDDED_FOLDER, { recursive: true });
  const elfs = PROGRAMS.map((program) => ({
    elfName: program.elfName,
    bytes: buildProgram(program),
  }));
  for (const { elfName, bytes } of elfs) {
    writeFileSync(join(EMBEDDED_FOLDER, elfName), bytes);
    console.log(`embedded/${elfName}: ${bytes.length} bytes`);
  }
  writeFileSync(GENERATED_MODULE, generateModule(elfs));
}

const GENERATED_HEADER =
  '/** Generated by scripts/build-embedded.ts from embedded/: do not edit. ELF as base64. */';

const COMPILE_FLAGS = [
  '-mcmodel=medany',
  '-O2',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-ffreestanding',
  '-fno-common',
  '-fno-ident',
  '-fno-stack-protector',
  '-fno-tree-loop-distribute-patterns',
  '-fno-asynchronous-unwind-tables',
  '-msmall-data-limit=0',
];

const LINK_FLAGS = [
  '-nostdlib',
  '-static',
  '-Wl,--build-id=none',
  '-Wl,--strip-debug',
  '-Wl,--no-warn-rwx-segments',
  '-Wl,-z,max-page-size=4096',
];

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
