/**
 * What a Linux kernel module says of itself, and the order in which modules must be loaded.
 *
 * A kernel package holds no `modules.dep` (depmod writes it at installation), so the order comes
 * from the modules: section `.modinfo` of each ELF file is a list of `key=value` strings ended by
 * NUL, and `depends` names the modules that must be there first.
 */
import { VmError } from '@casmotion/base';

/** A module as found in a package: its name with `_` for `-`, and its uncompressed ELF file. */
export interface KernelModule {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * Loads each of `wanted` and what it depends on, dependencies first, each once. `load` gives a
 * module's ELF file, or undefined if the package has none of that name: the kernel has it built in,
 * or it was never built.
 *
 * Throws {@link MissingModuleError} if a module that another depends on is absent, and {@link
 * UnreadableModuleError} on a file that is no module. Modules in `wanted` may be absent: what a
 * kernel has built in needs no module, and a kernel without the feature will show it.
 */
export async function resolveModules(
  wanted: readonly string[],
  load: (name: string) => Promise<Uint8Array | undefined>,
): Promise<KernelModule[]> {
  const loaded: KernelModule[] = [];
  const seen = new Set<string>();
  const visit = async (rawName: string, neededBy: string | undefined): Promise<void> => {
    const name = canonicalModuleName(rawName);
    if (seen.has(name)) return;
    seen.add(name);
    const bytes = await load(name);
    if (bytes === undefined) {
      if (neededBy !== undefined) throw new MissingModuleError(name, neededBy);
      return;
    }
    for (const dependency of moduleDependencies(bytes, name)) await visit(dependency, name);
    loaded.push({ name, bytes });
  };
  for (const name of wanted) await visit(name, undefined);
  return loaded;
}

/** The kernel takes `-` and `_` in a module's name for the same. */
export function canonicalModuleName(name: string): string {
  return name.replaceAll('-', '_');
}

/** The names in `depends=` of a module's `.modinfo`, in its order. `name` is for messages. */
export function moduleDependencies(elf: Uint8Array, name: string): string[] {
  const section = findSection(elf, '.modinfo', name);
  for (const entry of latin1.decode(section).split('\0')) {
    if (entry.startsWith('depends=')) {
      return entry.slice('depends='.length).split(',').filter(Boolean);
    }
  }
  return [];
}

/** A section of an ELF64 little-endian file (System V ABI, "Sections"). */
function findSection(elf: Uint8Array, wanted: string, name: string): Uint8Array {
  const view = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
  if (elf.length < 64 || view.getUint32(0, false) !== ELF_MAGIC || elf[4] !== ELFCLASS64) {
    throw new UnreadableModuleError(name, 'not an ELF64 file');
  }
  const headersOffset = Number(view.getBigUint64(0x28, true));
  const headerSize = view.getUint16(0x3a, true);
  const count = view.getUint16(0x3c, true);
  const namesIndex = view.getUint16(0x3e, true);
  if (headerSize < 64 || headersOffset + count * headerSize > elf.length || namesIndex >= count) {
    throw new UnreadableModuleError(name, 'section headers outside the file');
  }
  const contents = (index: number): Uint8Array => {
    const header = headersOffset + index * headerSize;
    const offset = Number(view.getBigUint64(header + 0x18, true));
    const size = Number(view.getBigUint64(header + 0x20, true));
    if (offset + size > elf.length) {
      throw new UnreadableModuleError(name, 'a section outside the file');
    }
    return elf.subarray(offset, offset + size);
  };
  const names = contents(namesIndex);
  for (let index = 0; index < count; index++) {
    const start = view.getUint32(headersOffset + index * headerSize, true);
    const end = names.indexOf(0, start);
    if (end >= 0 && latin1.decode(names.subarray(start, end)) === wanted) return contents(index);
  }
  throw new UnreadableModuleError(name, `no section ${wanted}`);
}

/** Authors' names in `.modinfo` are not always UTF-8; the keys and modules' names are ASCII. */
const latin1 = new TextDecoder('latin1');
const ELF_MAGIC = 0x7f454c46;
const ELFCLASS64 = 2;

/** A module depends on one that the package does not hold. */
export class MissingModuleError extends VmError {
  override readonly name = 'MissingModuleError';
  constructor(moduleName: string, neededBy: string) {
    super(`the kernel package has no module ${moduleName}, which ${neededBy} depends on`);
  }
}

/** A file that should be a kernel module is none. */
export class UnreadableModuleError extends VmError {
  override readonly name = 'UnreadableModuleError';
  constructor(moduleName: string, reason: string) {
    super(`kernel module ${moduleName}: ${reason}`);
  }
}
