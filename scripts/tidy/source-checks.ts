/**
 * Rules of one TypeScript file, seen through the compiler's parser (no types are needed): imports
 * and layers, the host, the length of functions, constructs that we do not use, skipped tests.
 */
import { posix } from 'node:path';
import ts from 'typescript';
import {
  EXACT_MATH,
  FUNCTION_LINES_MAX,
  HOST_GLOBALS,
  HOST_GLOBALS_IN_TESTS,
  LAYERS,
  PURE_LAYER_MAX,
} from './rules.ts';
import {
  isTest,
  isTypeScript,
  layerKey,
  type Tree,
  type Violation,
  workspaceFolder,
} from './tree.ts';

/** All rules of all TypeScript files. */
export function checkSources(tree: Tree): Violation[] {
  const sources = [...tree].filter(([path]) => isTypeScript(path));
  return sources.flatMap(([path, text]) => checkSource(path, text, tree));
}

/** What is known of the file in hand. */
interface Context {
  readonly path: string;
  readonly tree: Tree;
  readonly file: ts.SourceFile;
  readonly report: (node: ts.Node, rule: string, what: string, instead: string) => void;
}

type Check = (node: ts.Node, context: Context) => void;

function checkSource(path: string, text: string, tree: Tree): Violation[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const violations: Violation[] = [];
  const report: Context['report'] = (node, rule, what, instead) => {
    const line = file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
    violations.push({ path, line, rule, what, instead });
  };
  const context: Context = { path, tree, file, report };
  const checks = checksFor(context);
  const visit = (node: ts.Node): void => {
    for (const check of checks) check(node, context);
    ts.forEachChild(node, visit);
  };
  visit(file);
  checkBarrel(context);
  checkHeader(context);
  return violations;
}

function checksFor({ path, file }: Context): readonly Check[] {
  const checks: Check[] = [checkFunctionLength, checkConstructs];
  if (isTest(path)) checks.push(checkSkippedTests);
  if (!/^(packages|apps)\/[^/]+\/(src|test)\//.test(path)) return checks;
  checks.push(checkImports);
  const layer = LAYERS.get(layerKey(path));
  if (layer !== undefined && layer <= PURE_LAYER_MAX) checks.push(hostCheck(declaredNames(file)));
  return checks;
}

/** Layers, deep imports, relative imports that leave the package, undeclared dependencies. */
function checkImports(node: ts.Node, context: Context): void {
  const specifier = specifierOf(node);
  if (specifier === undefined) return;
  const { text } = specifier;
  if (text.startsWith('.')) checkRelativeImport(specifier, context);
  else if (text.startsWith('@casmotion/')) checkLayer(specifier, context);
  if (!text.startsWith('.')) checkDeclared(specifier, context);
}

function checkRelativeImport(specifier: ts.StringLiteralLike, context: Context): void {
  const target = posix.join(posix.dirname(context.path), specifier.text);
  const own = workspaceFolder(context.path)?.folder;
  if (!target.startsWith(`${own}/`)) {
    const what = `${specifier.text} leaves the package`;
    context.report(specifier, 'deep-import', what, 'import the package by its name');
  }
}

function checkLayer(specifier: ts.StringLiteralLike, { path, report }: Context): void {
  const key = specifier.text.slice('@casmotion/'.length);
  const [name = ''] = key.split('/');
  const own = layerKey(path);
  if (key !== name && !LAYERS.has(key)) {
    const what = `${specifier.text} reaches inside a package`;
    report(specifier, 'deep-import', what, `@casmotion/${name}, and export there what is missing`);
  }
  const [from, to] = [LAYERS.get(own), LAYERS.get(key) ?? LAYERS.get(name)];
  if (from === undefined || to === undefined) {
    const what = `${from === undefined ? own : name} has no layer`;
    report(specifier, 'layer', what, 'add it to LAYERS in scripts/tidy/rules.ts');
  } else if (to >= from) {
    const what = `${own} (layer ${from}) imports ${key} (layer ${to})`;
    report(specifier, 'layer', what, 'an interface in a lower layer that the upper one implements');
  }
}

/** Sources need what they import in their own package.json; tests may use the root's tools. */
function checkDeclared(specifier: ts.StringLiteralLike, context: Context): void {
  const folder = workspaceFolder(context.path)?.folder;
  if (specifier.text.startsWith('node:') || isTest(context.path)) return;
  const manifest = context.tree.get(`${folder}/package.json`);
  if (manifest === undefined) return;
  const { dependencies = {}, peerDependencies = {}, devDependencies = {} } = JSON.parse(manifest);
  const name = specifier.text.split('/').slice(0, specifier.text.startsWith('@') ? 2 : 1).join('/');
  const isType = isTypeOnly(specifier.parent);
  const declared = { ...dependencies, ...peerDependencies, ...(isType ? devDependencies : {}) };
  if (!(name in declared)) {
    const what = `${name} is not among the dependencies`;
    context.report(specifier, 'undeclared-dependency', what, `add it to ${folder}/package.json`);
  }
}

function isTypeOnly(node: ts.Node): boolean {
  if (!ts.isImportDeclaration(node)) return false;
  return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

/** The text after `from`, or in `import('...')`. */
function specifierOf(node: ts.Node): ts.StringLiteralLike | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    const from = node.moduleSpecifier;
    if (from !== undefined && ts.isStringLiteralLike(from)) return from;
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [argument] = node.arguments;
    if (argument !== undefined && ts.isStringLiteralLike(argument)) return argument;
  }
  return undefined;
}

/** Nothing in the pure layers sees the host. Names that the file declares itself are its own. */
function hostCheck(declared: ReadonlySet<string>): Check {
  return (node, context) => {
    const specifier = specifierOf(node);
    const inTest = isTest(context.path);
    if (specifier?.text.startsWith('node:') === true && !inTest) {
      const instead = 'an interface that packages/host-node implements';
      context.report(specifier, 'host-access', `imports ${specifier.text}`, instead);
    }
    if (ts.isPropertyAccessExpression(node)) checkMath(node, context);
    if (!ts.isIdentifier(node) || !isReference(node) || declared.has(node.text)) return;
    const instead = HOST_GLOBALS.get(node.text);
    if (instead === undefined || (inTest && !HOST_GLOBALS_IN_TESTS.has(node.text))) return;
    context.report(node, 'host-access', `uses ${node.text}`, instead);
  };
}

function checkMath(node: ts.PropertyAccessExpression, { path, report }: Context): void {
  if (!ts.isIdentifier(node.expression) || node.expression.text !== 'Math') return;
  const name = node.name.text;
  if (name === 'random') {
    report(node, 'host-access', 'uses Math.random', '`Prng` of @casmotion/base, seeded');
  } else if (!EXACT_MATH.has(name) && !isTest(path)) {
    const what = `Math.${name} may differ between engines`;
    report(node, 'host-access', what, 'integer arithmetic, or a table');
  }
}

/** False for the names of members, keys and declarations: `x.process`, `{ process: 1 }`. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name !== node;
  if (ts.isQualifiedName(parent)) return parent.left === node;
  if (ts.isBindingElement(parent)) return parent.propertyName !== node && parent.name !== node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  return (parent as { name?: ts.Node }).name !== node;
}

function declaredNames(file: ts.SourceFile): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (DECLARATIONS.has(node.kind)) {
      const { name } = node as { name?: ts.Node };
      if (name !== undefined && ts.isIdentifier(name)) names.add(name.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return names;
}

/** The callback of a `describe` is a list of tests, not a function to be understood at once. */
function checkFunctionLength(node: ts.Node, { file, report }: Context): void {
  if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return;
  const call = ts.isCallExpression(node.parent) ? node.parent.expression.getText(file) : '';
  if (/^describe\b/.test(call)) return;
  const first = file.getLineAndCharacterOfPosition(node.getStart(file)).line;
  const last = file.getLineAndCharacterOfPosition(node.end).line;
  const lines = last - first + 1;
  if (lines > FUNCTION_LINES_MAX) {
    const name = (node as { name?: ts.Node }).name?.getText(file) ?? 'a function';
    const what = `${name} has ${lines} lines, more than ${FUNCTION_LINES_MAX}`;
    report(node, 'function-length', what, 'helpers named after what they do, or a table');
  }
}

/** Constructs that leave code behind when types are erased, or that hide mistakes. */
function checkConstructs(node: ts.Node, { report }: Context): void {
  if (ts.isEnumDeclaration(node)) {
    report(node, 'no-enum', 'an enum', 'a union of literals, or constants in an object `as const`');
  } else if (ts.isModuleDeclaration(node)) {
    const isAmbient = node.modifiers?.some((m) => m.kind === ts.SyntaxKind.DeclareKeyword) === true;
    if (!isAmbient) report(node, 'no-namespace', 'a namespace', 'a module of its own');
  }
}

/** A skipped test says what it needs in its title; a focused one hides all others. */
function checkSkippedTests(node: ts.Node, { file, report }: Context): void {
  if (!ts.isCallExpression(node)) return;
  const callee = node.expression.getText(file);
  if (/^(it|test|describe)(\.\w+)*\.only\b/.test(callee)) {
    report(node, 'focused-test', `${callee.split('(')[0]} hides every other test`, 'no `.only`');
  }
  const isSkipping =
    /^(it|test|describe)(\.\w+)*\.(skip|todo)$/.test(callee) ||
    /^(it|test|describe)(\.\w+)*\.(skipIf|runIf)\(/.test(callee);
  if (!isSkipping || /\.(skipIf|runIf)$/.test(callee)) return;
  const title = node.arguments[0]?.getText(file) ?? '';
  if (!/\b(needs|because|until|only (on|where|with))\b/.test(title)) {
    const instead = "a title with the reason: '... (needs qemu-system-misc)'";
    report(node, 'skipped-test', `${title} does not say why it may be skipped`, instead);
  }
}

/** One door a package: `src/index.ts`. */
function checkBarrel({ path, file, report }: Context): void {
  const workspace = workspaceFolder(path);
  if (workspace === undefined || path === `${workspace.folder}/src/index.ts`) return;
  const isReexport = (node: ts.Statement): boolean =>
    ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined;
  const isBarrel = file.statements.length > 0 && file.statements.every(isReexport);
  if (isBarrel || posix.basename(path) === 'index.ts') {
    const what = isBarrel ? 'only re-exports' : 'a second index.ts';
    report(file, 'barrel', what, 'import the module itself; src/index.ts is the one door');
  }
}

/** Every module says what it is before it says anything else. */
function checkHeader({ path, file, report }: Context): void {
  if (/\.(config|base)\.ts$/.test(path)) return;
  const comments = ts.getLeadingCommentRanges(file.text, 0) ?? [];
  const isHeader = ({ pos, end }: ts.CommentRange): boolean =>
    !file.text.slice(pos, end).startsWith('///');
  if (!comments.some(isHeader)) {
    const what = isTest(path) ? 'no goal and method at the top' : 'no header comment';
    report(file, 'header', what, 'open with what the file is for, its invariants, its sources');
  }
}

const DECLARATIONS: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.VariableDeclaration,
  ts.SyntaxKind.Parameter,
  ts.SyntaxKind.BindingElement,
  ts.SyntaxKind.FunctionDeclaration,
  ts.SyntaxKind.ClassDeclaration,
  ts.SyntaxKind.ImportSpecifier,
  ts.SyntaxKind.ImportClause,
  ts.SyntaxKind.TypeAliasDeclaration,
  ts.SyntaxKind.InterfaceDeclaration,
]);
