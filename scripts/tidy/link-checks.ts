/**
 * Links in Markdown lead somewhere: a relative target exists, and a `#fragment` is a heading of it.
 * Addresses outside are not asked for.
 */
import { posix } from 'node:path';
import type { Tree, Violation } from './tree.ts';

/** `hasPath` knows also what is no text and not in the tree; paths are from the root. */
export function checkLinks(tree: Tree, hasPath: (path: string) => boolean): Violation[] {
  return [...tree].flatMap(([path, text]) => {
    if (!path.endsWith('.md')) return [];
    return linksOf(text).flatMap(({ line, target }) => {
      const what = whatIsWrong(tree, hasPath, path, target);
      const instead = 'a path from the folder of this file, and a heading as GitHub names it';
      return what === undefined ? [] : [{ path, line, rule: 'link', what, instead }];
    });
  });
}

function whatIsWrong(
  tree: Tree,
  hasPath: (path: string) => boolean,
  from: string,
  target: string,
): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return undefined;
  const [file = '', fragment] = target.split('#', 2);
  const path = file === '' ? from : posix.join(posix.dirname(from), decode(file));
  if (path.startsWith('..') || file.startsWith('/')) return `${target} leads out of the repository`;
  if (file !== '' && !tree.has(path) && !hasPath(path)) return `${target} leads nowhere`;
  const text = tree.get(path);
  if (fragment === undefined || text === undefined || !path.endsWith('.md')) return undefined;
  return anchorsOf(text).has(decode(fragment)) ? undefined : `${path} has no heading #${fragment}`;
}

/** `[words](target)` and `[name]: target`, outside code. */
function linksOf(text: string): { line: number; target: string }[] {
  return prose(text).flatMap((words, index) => {
    const inline = [...words.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
    const named = [...words.matchAll(/^\s{0,3}\[[^\]]+\]:\s+<?([^\s>]+)>?/g)];
    return [...inline, ...named].map((match) => ({ line: index + 1, target: match[1] ?? '' }));
  });
}

/** Of all headings, as GitHub makes them: a second one of the same words gets `-1`. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  const lines = text.split('\n');
  prose(text).forEach((words, index) => {
    // Code in a heading is part of its name: take the line as it was.
    if (!/^#{1,6}\s/.test(words)) return;
    const title = (lines[index] ?? '').replace(/^#+\s+/, '').replace(/\s+#*\s*$/, '');
    const plain = title.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = plain.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-');
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  });
  return anchors;
}

/** The lines, those of fenced code and what stands in backticks left empty. */
function prose(text: string): string[] {
  let fence: string | undefined;
  return text.split('\n').map((line) => {
    const mark = /^\s{0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== undefined) {
      if (mark?.startsWith(fence) === true) fence = undefined;
      return '';
    }
    fence = mark;
    return mark === undefined ? line.replaceAll(/(`+)[^`]*\1/g, '') : '';
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // No escape, then: taken as it is, and it leads nowhere.
  }
}
