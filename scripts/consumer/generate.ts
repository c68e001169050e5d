// Writes the program of a user who annotates nothing: a constant for each value that the packages export, and for each value
// that one gets from there (properties, results, parameters, what an Effect or a Stream gives), so that the declarations of the
// program have to name every type that any of them mentions.

import ts from "typescript"

const prelude = `
import type { Effect, Option, Stream } from "effect"
declare const a: <T>() => T
declare const result: <F extends (...args: any) => unknown>(f: F) => ReturnType<F>
declare const argument: <F extends (...args: any) => unknown, I extends number>(f: F, index: I) => Parameters<F>[I]
declare const instance: <C extends abstract new (...args: any) => unknown>(c: C) => InstanceType<C>
declare const success: <A, E, R>(effect: Effect.Effect<A, E, R>) => A
declare const failure: <A, E, R>(effect: Effect.Effect<A, E, R>) => E
declare const element: <A, E, R>(stream: Stream.Stream<A, E, R>) => A
declare const some: <A>(option: Option.Option<A>) => A
declare const item: <A>(items: Iterable<A>) => A
declare const present: <A>(value: A) => NonNullable<A>
declare const service: <C extends { readonly Service: unknown }>(tag: C) => C["Service"]
`

/** What is within a value of these foreign types, by the name of the type. */
const containers: Readonly<Record<string, ReadonlyArray<string>>> = {
  Effect: ["success", "failure"],
  Stream: ["element"],
  Option: ["some"],
  Array: ["item"],
  ReadonlyArray: ["item"],
  Map: ["item"],
  ReadonlyMap: ["item"]
}

const access = (value: string, name: string): string =>
  /^[\w$]+$/.test(name) ? `${value}.${name}` : `${value}[${JSON.stringify(name)}]`

/** The text of the program, for packages installed in the folder of `probe`, a file that need not be there. */
export const generate = (probe: string, packages: ReadonlyArray<string>): string => {
  const variable = (name: string): string => name.replace(/^.*\//, "")
  // Without an import statement: what a program has imported can be named by that.
  const imports = packages.map((name) => `declare const ${variable(name)}: typeof import("${name}")`).join("\n")
  const probed = packages.map((name) => `export * from "${name}"`).join("\n")
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    skipLibCheck: true,
    types: ["node"]
  }
  const host = ts.createCompilerHost(options)
  const { fileExists, getSourceFile } = host
  host.fileExists = (path) => path === probe || fileExists(path)
  host.getSourceFile = (path, ...rest) =>
    path === probe
      ? ts.createSourceFile(path, probed, {
          languageVersion: ts.ScriptTarget.ES2022,
          impliedNodeFormat: ts.ModuleKind.ESNext
        })
      : getSourceFile(path, ...rest)
  const program = ts.createProgram([probe], options, host)
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(probe)
  if (source === undefined) throw new Error("TypeScript has not read the probe.")

  const isOurs = (symbol: ts.Symbol): boolean =>
    symbol.declarations?.some((node) => /@disco\/[^/]+\/dist\//.test(node.getSourceFile().fileName)) === true

  const lines: Array<string> = []
  const seen = new Set<ts.Type>()
  /** Declares a constant for an expression, and gives its name. */
  const declare = (expression: string): string => {
    const name = `t${lines.length}`
    lines.push(`export const ${name} = ${expression}`)
    return name
  }

  const visit = (expression: string, type: ts.Type): void => {
    if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown | ts.TypeFlags.Never)) return
    if (!(type.flags & (ts.TypeFlags.Object | ts.TypeFlags.UnionOrIntersection))) return
    if (seen.has(type)) return
    seen.add(type)
    const value = declare(expression)
    const inner = checker.getNonNullableType(type)
    if (inner !== type) {
      visit(`present(${value})`, inner)
      return
    }
    // Of overloads, `Parameters` and `ReturnType` see the last.
    const signature = checker.getSignaturesOfType(type, ts.SignatureKind.Call).at(-1)
    if (signature !== undefined) {
      visit(`result(${value})`, checker.getReturnTypeOfSignature(signature))
      signature.parameters.forEach((parameter, i) => {
        const declaration = parameter.valueDeclaration
        if (declaration !== undefined && ts.isParameter(declaration) && declaration.dotDotDotToken !== undefined) return
        visit(`argument(${value}, ${i})`, checker.getTypeOfSymbolAtLocation(parameter, source))
      })
    }
    const symbol = type.symbol ?? type.aliasSymbol
    const helpers = symbol === undefined || isOurs(symbol) ? undefined : containers[symbol.name]
    if (helpers !== undefined) {
      const given = checker.getTypeArguments(type as ts.TypeReference)
      for (const [i, helper] of helpers.entries()) {
        const argument = given[i]
        if (argument !== undefined) visit(`${helper}(${value})`, argument)
      }
      return
    }
    for (const signature of checker.getSignaturesOfType(type, ts.SignatureKind.Construct)) {
      visit(`instance(${value})`, checker.getReturnTypeOfSignature(signature))
    }
    if (type.isUnion()) return
    for (const property of checker.getPropertiesOfType(type)) {
      if (property.name.startsWith("__@") || property.name === "prototype") continue
      if (property.name === "Service" && checker.getPropertyOfType(type, "key") !== undefined) {
        visit(`service(${value})`, checker.getTypeOfSymbolAtLocation(property, source))
      }
      if (!isOurs(property)) continue
      visit(access(value, property.name), checker.getTypeOfSymbolAtLocation(property, source))
    }
  }

  const visitModule = (value: string, type: string, module: ts.Symbol): void => {
    for (const symbol of checker.getExportsOfModule(module)) {
      const name = access(value, symbol.name)
      const typeName = `${type}.${symbol.name}`
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
      const isType = symbol.declarations?.some(ts.isTypeOnlyExportDeclaration) === true
      if (target.flags & ts.SymbolFlags.ValueModule) visitModule(name, typeName, target)
      else if (!isType && target.flags & ts.SymbolFlags.Value)
        visit(name, checker.getTypeOfSymbolAtLocation(target, source))
      else {
        const type = checker.getDeclaredTypeOfSymbol(target)
        const parameters =
          type.aliasTypeArguments ?? (type.isClassOrInterface() ? type.typeParameters : undefined) ?? []
        const given = parameters.length === 0 ? "" : `<${parameters.map(() => "any").join(", ")}>`
        visit(`a<${typeName}${given}>()`, type)
      }
    }
  }
  for (const statement of source.statements) {
    if (!ts.isExportDeclaration(statement) || statement.moduleSpecifier === undefined) continue
    const module = checker.getSymbolAtLocation(statement.moduleSpecifier)
    const name = (statement.moduleSpecifier as ts.StringLiteral).text
    if (module === undefined) throw new Error(`TypeScript has not found ${name}.`)
    visitModule(variable(name), `import("${name}")`, module)
  }
  return `${imports}\n${prelude}\n${lines.join("\n")}\n`
}
