/**
 * A writer for the archive that Linux unpacks as its initial root file system: cpio in the "newc"
 * form (Linux, Documentation/driver-api/early-userspace/buffer-format.rst).
 *
 * The same entries give the same bytes on every machine: entries are sorted by path, times are 0,
 * owners are root, and inode numbers count up from 1.
 */
import { assert, encodeUtf8 } from '@casmotion/base';

/**
 * One entry; paths are relative to the root, without `.` or a leading slash. Parent directories are
 * added.
 */
export type CpioEntry =
  | { readonly kind: 'directory'; readonly path: string; readonly permissions?: number }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly permissions: number;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'character-device';
      readonly path: string;
      readonly permissions: number;
      readonly major: number;
      readonly minor: number;
    };

/**
 * The archive as one array of bytes, its size a multiple of 512. Asserts that no path comes twice.
 */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const sorted = withParents(entries);
  const parts: Uint8Array[] = [];
  sorted.forEach((entry, index) => parts.push(...encodeEntry(index + 1, entry)));
  parts.push(...encodeRecord({ inode: 0, mode: 0, major: 0, minor: 0 }, TRAILER, EMPTY));
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const archive = new Uint8Array(roundUp(size, BLOCK_SIZE_BYTES));
  let offset = 0;
  for (const part of parts) {
    archive.set(part, offset);
    offset += part.length;
  }
  return archive;
}

/** Linux makes no parent by itself: each directory must stand before what lies in it. */
function withParents(entries: readonly CpioEntry[]): CpioEntry[] {
  const byPath = new Map<string, CpioEntry>();
  for (const entry of entries) {
    assert(/^[^/]+(\/[^/]+)*$/.test(entry.path), `cpio path ${entry.path}`);
    assert(!byPath.has(entry.path), `${entry.path} is twice in the archive`);
    byPath.set(entry.path, entry);
  }
  for (const { path } of entries) {
    const names = path.split('/');
    for (let count = 1; count < names.length; count++) {
      const parent = names.slice(0, count).join('/');
      if (!byPath.has(parent)) byPath.set(parent, { kind: 'directory', path: parent });
    }
  }
  // By code unit: a directory is a prefix of its contents, so it sorts before them.
  return [...byPath.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function encodeEntry(inode: number, entry: CpioEntry): Uint8Array[] {
  const node = { inode, major: 0, minor: 0 };
  switch (entry.kind) {
    case 'directory':
      return encodeRecord(
        { ...node, mode: S_IFDIR | (entry.permissions ?? 0o755) },
        entry.path,
        EMPTY,
      );
    case 'file':
      return encodeRecord({ ...node, mode: S_IFREG | entry.permissions }, entry.path, entry.bytes);
    case 'symlink':
      return encodeRecord({ ...node, mode: S_IFLNK | 0o777 }, entry.path, encodeUtf8(entry.target));
    case 'character-device': {
      const { major, minor } = entry;
      return encodeRecord(
        { inode, major, minor, mode: S_IFCHR | entry.permissions },
        entry.path,
        EMPTY,
      );
    }
  }
}

interface Node {
  readonly inode: number;
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
}

/** Header, name and data, each padded to 4 bytes. */
function encodeRecord(node: Node, path: string, data: Uint8Array): Uint8Array[] {
  const name = encodeUtf8(`${path}\0`);
  const isDirectory = (node.mode & S_IFMT) === S_IFDIR;
  const fields = [
    node.inode,
    node.mode,
    0, // uid
    0, // gid
    isDirectory ? 2 : 1, // links
    0, // mtime
    data.length,
    0, // major and minor of the device that holds the entry
    0,
    node.major,
    node.minor,
    name.length,
    0, // checksum: unused in newc
  ];
  const header = encodeUtf8(MAGIC + fields.map((field) => hex8(field)).join(''));
  const nameEnd = header.length + name.length;
  return [header, name, padding(nameEnd), data, padding(data.length)];
}

function hex8(value: number): string {
  assert(Number.isInteger(value) && value >= 0 && value < 2 ** 32, `cpio field ${value}`);
  return value.toString(16).padStart(8, '0');
}

function padding(sizeBytes: number): Uint8Array {
  return new Uint8Array(roundUp(sizeBytes, 4) - sizeBytes);
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

const EMPTY = new Uint8Array(0);
const MAGIC = '070701';
const TRAILER = 'TRAILER!!!';
const BLOCK_SIZE_BYTES = 512;
const S_IFMT = 0o170000;
const S_IFCHR = 0o020000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
