import ts from 'typescript';

/**
 * @typedef {{ says: string, fix: string }} Case the message and the fix of one place that raises an error
 * @typedef {{ code: string, packages: Set<string>, cases: Case[] }} ErrorCode
 * @typedef {{ path: string, packageName: string, text: string }} Source
 */

const CODE = /^HKL_[A-Z0-9_]*[A-Z0-9]$/;
/** Placeholder for values that are known only when the error is raised. */
const OPEN = '…';

/**
 * Collects the error codes that the sources raise, with their messages and fixes.
 *
 * Messages are read from `new HooklineError(code, what, { fix })` and from calls of functions with the same order of
 * parameters. A variable is followed to its declaration in the file, a parameter to the calls of its function.
 *
 * @param {readonly Source[]} sources
 * @returns {ErrorCode[]} sorted by code
 */
export function collectErrorCodes(sources) {
  const files = sources.map(({ path, packageName, text }) => ({
    packageName,
    root: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true),
  }));
  const calls = callsByName(files.map(({ root }) => root));
  const helpers = functionsWithFix(files.map(({ root }) => root));
  /** @type {Map<string, ErrorCode>} */
  const codes = new Map();
  for (const { packageName, root } of files) {
    walk(root, (node) => {
      if (!ts.isStringLiteralLike(node) || !CODE.test(node.text) || isComparison(node)) return;
      const code = codes.get(node.text) ?? { code: node.text, packages: new Set(), cases: [] };
      codes.set(node.text, code);
      code.packages.add(packageName);
      for (const each of casesAt(node, calls, helpers)) {
        if (!code.cases.some(({ says, fix }) => says === each.says && fix === each.fix)) code.cases.push(each);
      }
    });
  }
  return [...codes.values()].sort((a, b) => (a.code < b.code ? -1 : 1));
}

/** @param {ts.Node} node @param {(node: ts.Node) => void} visit */
function walk(node, visit) {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/**
 * @param {readonly ts.SourceFile[]} files
 * @returns {Map<string, { file: ts.SourceFile, isOwn: boolean, given: ts.NodeArray<ts.Expression> }[]>} all calls with
 * their arguments, by the name of the function or class; `isOwn`: whether the file itself has a function of that name
 */
function callsByName(files) {
  /** @type {ReturnType<typeof callsByName>} */
  const calls = new Map();
  for (const file of files) {
    /** @type {Set<string | undefined>} */
    const own = new Set();
    walk(file, (node) => {
      if (ts.isFunctionLike(node)) own.add(nameOf(node));
    });
    walk(file, (node) => {
      if (!(ts.isCallExpression(node) || ts.isNewExpression(node)) || node.arguments === undefined) return;
      const callee = node.expression;
      const name = ts.isPropertyAccessExpression(callee) ? callee.name.text : callee.getText();
      calls.set(name, [...(calls.get(name) ?? []), { file, isOwn: own.has(name), given: node.arguments }]);
    });
  }
  return calls;
}

/**
 * @param {readonly ts.SourceFile[]} files
 * @returns {{ name: string, file: ts.SourceFile, isExported: boolean, place: number }[]} the functions with a parameter
 * `fix`, and its position
 */
function functionsWithFix(files) {
  /** @type {ReturnType<typeof functionsWithFix>} */
  const found = [];
  for (const file of files) {
    walk(file, (node) => {
      if (!ts.isFunctionLike(node)) return;
      const place = node.parameters.findIndex(({ name }) => name.getText() === 'fix');
      const name = nameOf(node);
      if (place >= 0 && name !== undefined) found.push({ name, file, isExported: isExported(node), place });
    });
  }
  return found;
}

/** @param {string} callee @param {ts.SourceFile} from @param {ReturnType<typeof functionsWithFix>} helpers */
function placeOfFix(callee, from, helpers) {
  const ofName = helpers.filter(({ name }) => name === callee);
  return (ofName.find(({ file }) => file === from) ?? ofName.find((each) => each.isExported))?.place ?? -1;
}

/** The name of a function, or of the class for a constructor. @param {ts.SignatureDeclaration} node */
function nameOf(node) {
  if (ts.isConstructorDeclaration(node)) return node.parent.name?.getText();
  if (ts.isArrowFunction(node)) return ts.isVariableDeclaration(node.parent) ? node.parent.name.getText() : undefined;
  return node.name?.getText();
}

/** Whether other files may call a function of this name. @param {ts.SignatureDeclaration} node */
function isExported(node) {
  // A method is exported if its class is.
  for (let place = /** @type {ts.Node} */ (node); !ts.isSourceFile(place); place = place.parent) {
    if (ts.isSourceFile(place.parent)) {
      return (
        ts.canHaveModifiers(place) &&
        (ts.getModifiers(place) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
      );
    }
  }
  return false;
}

/** Whether the code is only compared with that of an error here, and not raised. @param {ts.Node} node */
function isComparison({ parent }) {
  return (
    ts.isCallExpression(parent) &&
    /^(isHooklineError|\w+\.(startsWith|has|includes))$/.test(parent.expression.getText())
  );
}

/**
 * @param {ts.Node} node the code
 * @param {ReturnType<typeof callsByName>} calls
 * @param {ReturnType<typeof functionsWithFix>} helpers
 * @returns {Case[]}
 */
function casesAt(node, calls, helpers) {
  let { parent } = node;
  let place = node;
  // The code may be one of two: `exists ? 'HKL_A' : 'HKL_B'`.
  while (ts.isConditionalExpression(parent) || ts.isParenthesizedExpression(parent))
    [place, parent] = [parent, parent.parent];
  if (!(ts.isNewExpression(parent) || ts.isCallExpression(parent))) return [];
  const list = parent.arguments ?? [];
  const at = list.findIndex((each) => each === place);
  const what = list[at + 1];
  if (what === undefined) return [];
  const fix = fixIn(list.slice(at + 2)) ?? list[placeOfFix(parent.expression.getText(), node.getSourceFile(), helpers)];
  // If a helper function receives the message as a parameter, each call of it is one case.
  const owner = [what, fix].map((each) => (each && ts.isIdentifier(each) ? ownerOf(each) : undefined)).find(Boolean);
  const inReach = owner === undefined ? [] : (calls.get(owner.name) ?? []);
  const bindings = inReach
    .filter(({ file, isOwn }) => file === node.getSourceFile() || (owner?.isExported === true && !isOwn))
    .map(({ given }) => new Map(owner?.parameters.map((name, position) => [name, given[position]])));
  return (bindings.length === 0 ? [new Map()] : bindings).flatMap((bound) => {
    const fixes = fix === undefined ? [''] : texts(fix, bound);
    return texts(what, bound).flatMap((says) => fixes.map((each) => ({ says, fix: each })));
  });
}

/** The value of `fix` in the arguments after the message. @param {readonly ts.Expression[]} details */
function fixIn(details) {
  for (const property of details.flatMap((each) => (ts.isObjectLiteralExpression(each) ? [...each.properties] : []))) {
    if (property.name?.getText() !== 'fix') continue;
    if (ts.isPropertyAssignment(property)) return property.initializer;
    if (ts.isShorthandPropertyAssignment(property)) return property.name;
  }
  return undefined;
}

/**
 * The texts that an expression may evaluate to, with an ellipsis for values known only at run time.
 *
 * @param {ts.Expression} expression
 * @param {ReadonlyMap<string, ts.Expression | undefined>} bound the arguments, by parameter name
 * @returns {string[]}
 */
function texts(expression, bound, depth = 0) {
  if (depth > 5) return [OPEN];
  /** @param {ts.Expression} each */
  const of = (each) => texts(each, bound, depth + 1);
  if (ts.isParenthesizedExpression(expression) || ts.isAsExpression(expression)) return of(expression.expression);
  if (ts.isStringLiteralLike(expression)) return [expression.text];
  if (ts.isTemplateExpression(expression)) {
    return [expression.head.text + expression.templateSpans.map(({ literal }) => OPEN + literal.text).join('')];
  }
  if (ts.isConditionalExpression(expression)) return [...of(expression.whenTrue), ...of(expression.whenFalse)];
  if (ts.isBinaryExpression(expression)) {
    if (expression.operatorToken.kind === ts.SyntaxKind.PlusToken) {
      return of(expression.left).flatMap((left) => of(expression.right).map((right) => left + right));
    }
    if (expression.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken) return of(expression.right);
  }
  if (ts.isCallExpression(expression) && expression.expression.getText() === 'didYouMean') {
    return ['Look for a misspelling: the message names what there is'];
  }
  if (!ts.isIdentifier(expression)) return [OPEN];
  if (expression.text === 'undefined') return [''];
  if (bound.has(expression.text)) {
    const given = bound.get(expression.text);
    // The argument belongs to the scope of the caller, where these parameters do not exist.
    return given === undefined ? [''] : texts(given, new Map(), depth + 1);
  }
  const value = valueOf(expression);
  return value === undefined ? [OPEN] : of(value);
}

/**
 * The function that has the identifier as a parameter, with the names of all its parameters.
 *
 * @param {ts.Identifier} identifier
 * @returns {{ name: string, parameters: string[], isExported: boolean } | undefined}
 */
function ownerOf(identifier) {
  for (let scope = identifier.parent; scope !== undefined; scope = scope.parent) {
    if (!ts.isFunctionLike(scope)) continue;
    const parameters = scope.parameters.map(({ name }) => name.getText());
    if (!parameters.includes(identifier.text)) continue;
    const name = nameOf(scope);
    return name === undefined ? undefined : { name, parameters, isExported: isExported(scope) };
  }
  return undefined;
}

/** The initializer of a variable. @param {ts.Identifier} identifier @returns {ts.Expression | undefined} */
function valueOf(identifier) {
  for (let scope = identifier.parent; scope !== undefined; scope = scope.parent) {
    if (!ts.isBlock(scope) && !ts.isSourceFile(scope)) continue;
    for (const statement of scope.statements) {
      if (!ts.isVariableStatement(statement)) continue;
      for (const { name, initializer } of statement.declarationList.declarations) {
        if (name.getText() === identifier.text && initializer !== undefined) return initializer;
      }
    }
  }
  return undefined;
}
