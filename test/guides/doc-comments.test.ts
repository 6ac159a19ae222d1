import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { projectRoot } from '../helpers/readme-tables.js'

/** Every name that the package exports has a doc comment: the API reference has no empty page. */

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly types: string }>>
}

function entryPoints(): readonly string[] {
  const manifest = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as Manifest
  return Object.values(manifest.exports).flatMap((entry) =>
    typeof entry === 'string' ? [] : [join(projectRoot, entry.types)],
  )
}

t.test('every export of every entry point has a doc comment', async (t) => {
  const entries = entryPoints()
  const program = ts.createProgram(entries, {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    noLib: true,
    types: [],
  })
  const checker = program.getTypeChecker()
  const undocumented = entries.flatMap((entry) => {
    const source = program.getSourceFile(entry)
    const module = source && checker.getSymbolAtLocation(source)
    if (module === undefined) throw new Error(`${entry} is not built`)
    return checker
      .getExportsOfModule(module)
      .filter((symbol) => !isDocumented(symbol, checker))
      .map(({ name }) => `${relative(projectRoot, entry)}: ${name}`)
  })
  t.same(undocumented, [])
})

function isDocumented(symbol: ts.Symbol, checker: ts.TypeChecker): boolean {
  const alias = (symbol.flags & ts.SymbolFlags.Alias) !== 0
  const meant = alias ? checker.getAliasedSymbol(symbol) : symbol
  return meant.getDocumentationComment(checker).length > 0
}
