// Checks the documentation of what users can import: every export of the modules that the packages name in their `exports` has a
// TSDoc comment with `@since` and `@category`, and so have the members of its namespaces. Static members have `@since`, and so has the
// comment at the head of each module. What a program can call, provide or yield has an `@example`, or names what has the example that
// shows it (`@see {@link name}`); so have the members of services, and the effects and streams that values have. What is
// marked `@internal` is not in the declarations.

import { readdirSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"

const root = fileURLToPath(new URL("..", import.meta.url))

interface Manifest {
  readonly exports: Readonly<Record<string, string>>
}

/** The public modules: all that `exports` names, but for what the packages share among themselves. */
const modules = readdirSync(join(root, "packages")).flatMap((folder) => {
  const path = join(root, "packages", folder)
  const { exports }: Manifest = JSON.parse(readFileSync(join(path, "package.json"), "utf8"))
  return Object.entries(exports)
    .filter(([entry, module]) => module.endsWith(".ts") && entry !== "./internal")
    .map(([, module]) => join(path, module))
})

const config = ts.readConfigFile(join(root, "tsconfig.base.json"), ts.sys.readFile).config
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
const program = ts.createProgram(modules, { ...options, composite: false, noEmit: true })
const checker = program.getTypeChecker()

const problems = new Set<string>()

const report = (node: ts.Node, name: string, missing: ReadonlyArray<string>): void => {
  if (missing.length === 0) return
  const file = node.getSourceFile()
  const { line } = file.getLineAndCharacterOfPosition(node.getStart())
  problems.add(`${relative(root, file.fileName)}:${line + 1}: ${name} has no ${missing.join(", no ")}.`)
}

/** The comments of a declaration. That of a constant is at its statement. */
const commentsOf = (declaration: ts.Declaration): ReadonlyArray<ts.JSDoc> => {
  const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration
  return ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc)
}

const missingOf = (comment: ts.JSDoc | undefined, tags: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (comment === undefined) return ["documentation"]
  const has = (name: string): boolean =>
    (comment.tags ?? []).some(
      ({ comment, tagName }) => tagName.text === name && ts.getTextOfJSDocComment(comment)?.trim()
    )
  const missing = tags.filter((name) => !has(name)).map((name) => `@${name}`)
  return ts.getTextOfJSDocComment(comment.comment)?.trim() ? missing : ["documentation", ...missing]
}

/** The text of the examples of a declaration. */
const examplesOf = (declaration: ts.Declaration): string =>
  commentsOf(declaration)
    .flatMap(({ tags = [] }) => tags)
    .filter(({ tagName }) => tagName.text === "example")
    .map(({ comment }) => ts.getTextOfJSDocComment(comment))
    .join("\n")

/** The declarations that the comment of a declaration links to by `@see`. */
const seenFrom = (declaration: ts.Declaration): ReadonlyArray<ts.Declaration> =>
  commentsOf(declaration)
    .flatMap(({ tags = [] }) => tags)
    .filter(({ tagName }) => tagName.text === "see")
    .flatMap(({ comment }) => (typeof comment === "object" ? comment : []))
    .flatMap((part) => (ts.isJSDocLink(part) && part.name !== undefined ? [part.name] : []))
    .flatMap((name) => checker.getSymbolAtLocation(name)?.declarations ?? [])

/** Why a member has no example: it has none of its own, and no example that its comment links to has its name. */
const withoutExample = (declaration: ts.Declaration, name: string): ReadonlyArray<string> => {
  if (/^\s*```ts\n/.test(examplesOf(declaration))) return []
  const word = new RegExp(`\\b${name}\\b`)
  return seenFrom(declaration).some((each) => word.test(examplesOf(each))) ? [] : ["@example"]
}

const isInternal = (declaration: ts.Declaration): boolean =>
  commentsOf(declaration).some(({ tags }) => tags?.some(({ tagName }) => tagName.text === "internal"))

const isOurs = (node: ts.Node): boolean => /\/packages\/[^/]+\/src\//.test(node.getSourceFile().fileName)

const nameOf = (member: ts.ClassElement): string | undefined => member.name?.getText()

const seen = new Set<ts.Declaration>()

const isValue = (node: ts.Declaration): boolean =>
  ts.isVariableDeclaration(node) || ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)

const categoryOf = (declaration: ts.Declaration): string | undefined => {
  const tag = commentsOf(declaration)
    .flatMap(({ tags = [] }) => tags)
    .find(({ tagName }) => tagName.text === "category")
  return ts.getTextOfJSDocComment(tag?.comment)?.trim()
}

/** What a value does, rather than is. */
const running = /\b(Effect\.Effect|Stream\.Stream|Queue\.Enqueue)</

const last = (path: string): string => path.slice(path.lastIndexOf(".") + 1)

const checkDeclaration = (declaration: ts.Declaration, name: string, isType: boolean): void => {
  if (seen.has(declaration) || !isOurs(declaration) || isInternal(declaration)) return
  seen.add(declaration)
  const hasExample = isValue(declaration) && !isType
  report(declaration, name, [
    ...missingOf(commentsOf(declaration).at(-1), ["since", "category"]),
    ...(hasExample ? withoutExample(declaration, last(name)) : [])
  ])
  if (ts.isInterfaceDeclaration(declaration)) {
    const category = categoryOf(declaration)
    for (const member of declaration.members) {
      const isUsed = category === "services" || (category === "models" && running.test(member.getText()))
      const own = member.name?.getText() ?? ""
      if (isUsed) report(member, `${name}.${own}`, withoutExample(member, own))
    }
  }
  if (!ts.isClassDeclaration(declaration)) return
  const overloaded = new Set(
    declaration.members.filter((each) => ts.isMethodDeclaration(each) && each.body === undefined).map(nameOf)
  )
  for (const member of declaration.members) {
    // Nobody sees the signature of the implementation.
    if (ts.isMethodDeclaration(member) && member.body !== undefined && overloaded.has(nameOf(member))) continue
    const modifiers = ts.getCombinedModifierFlags(member)
    if (!(modifiers & ts.ModifierFlags.Static) || modifiers & ts.ModifierFlags.Private || isInternal(member)) continue
    const isFurtherSignature = declaration.members.find((each) => nameOf(each) === nameOf(member)) !== member
    report(member, `${name}.${nameOf(member)}`, [
      ...missingOf(commentsOf(member).at(-1), ["since"]),
      ...(isFurtherSignature ? [] : withoutExample(member, nameOf(member) ?? ""))
    ])
  }
}

/** Whether an export is of a type alone, though it may be a class where it is declared. */
const isTypeOnly = (symbol: ts.Symbol): boolean => symbol.declarations?.some(ts.isTypeOnlyExportDeclaration) ?? false

const checkExports = (module: ts.Symbol, path: string): void => {
  for (const symbol of checker.getExportsOfModule(module)) {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
    const name = path === "" ? symbol.name : `${path}.${symbol.name}`
    const declarations = (target.declarations ?? []).filter((declaration) => !ts.isClassElement(declaration))
    for (const declaration of declarations) {
      if (ts.isSourceFile(declaration)) checkModule(declaration, name)
      // The comment of an overloaded function is at its first signature.
      else if (!ts.isFunctionDeclaration(declaration) || declaration === declarations[0]) {
        checkDeclaration(declaration, name, isTypeOnly(symbol))
      }
    }
    if (target.flags & ts.SymbolFlags.NamespaceModule && !target.declarations?.some(ts.isSourceFile)) {
      checkExports(target, name)
    }
  }
}

const checkModule = (file: ts.SourceFile, path: string): void => {
  const symbol = checker.getSymbolAtLocation(file)
  if (symbol === undefined) return
  const [first] = file.statements
  const [head] = first === undefined ? [] : ts.getJSDocCommentsAndTags(first).filter(ts.isJSDoc)
  if (!file.fileName.endsWith("/index.ts")) report(file, "the module", missingOf(head, ["since"]))
  checkExports(symbol, path)
}

for (const path of modules) {
  const file = program.getSourceFile(path)
  if (file === undefined) throw new Error(`There is no ${relative(root, path)}.`)
  checkModule(file, "")
}

if (problems.size > 0) {
  console.error([...problems].sort().join("\n"))
  process.exitCode = 1
}
