import { join } from 'node:path'
import ts from 'typescript'
import { projectRoot } from '../../helpers/readme-tables.js'
import { type GuideBlock, placeOf } from './guide-blocks.js'

/** What the parts of programs in guides take for granted: each guide says what it is before it uses it. */
const CONTEXT = `
import type { RaftNode, RaftNodeOptions } from 'troupe'
import type { createStateMachine } from './counter.js'
import type { TypesOf } from 'troupe/state-machine'
declare global {
  /** A node with the counter of the README. */
  const node: RaftNode<TypesOf<ReturnType<typeof createStateMachine>>>
  /** The other options of RaftNode.start. */
  const options: RaftNodeOptions
  /** Where a backup goes. */
  const backup: { write(bytes: Uint8Array): Promise<void> }
  /** Of whatever test framework. */
  const test: (name: string, run: () => Promise<void>) => void
}
`

/** Blocks stand where the examples are, so that a guide may import one of them. */
const FOLDER = join(projectRoot, 'lib/examples')

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  allowJs: true,
  strict: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  noEmit: true,
  types: ['node'],
  typeRoots: [join(projectRoot, 'node_modules/@types')],
}

/** The files that a block is made of: "// name.ts" begins one, else it is one. */
export function filesOf({ text, language }: GuideBlock): ReadonlyMap<string, string> {
  const parts = text.split(/^\/\/ ([\w-]+\.[jt]s)\n/m)
  if (parts.length === 1) return new Map([[`main.${language}`, text]])
  const files = new Map<string, string>()
  for (let i = 1; i < parts.length; i += 2) files.set(parts[i] ?? '', parts[i + 1] ?? '')
  return files
}

/** Compiles the blocks against the built package; what the compiler finds wrong, with the guide's line. */
export function compileBlocks(blocks: readonly GuideBlock[]): readonly string[] {
  const context = join(FOLDER, 'guide-context.ts')
  const sources = new Map([[context, CONTEXT]])
  const places = new Map<string, GuideBlock>()
  blocks.forEach((block, i) => {
    for (const [name, text] of filesOf(block)) {
      const path = join(
        FOLDER,
        filesOf(block).size > 1 ? `guide-${i}/${name}` : `guide-${i}-${name}`,
      )
      // A module, whatever it imports: its names are its own.
      sources.set(path, `${text}export {}\n`)
      places.set(path, block)
    }
  })
  const program = ts.createProgram([...sources.keys()], OPTIONS, hostWith(sources))
  return ts
    .getPreEmitDiagnostics(program)
    .filter(({ file }) => file !== undefined && sources.has(file.fileName))
    .map((diagnostic) => told(diagnostic, places))
}

function hostWith(sources: ReadonlyMap<string, string>): ts.CompilerHost {
  const host = ts.createCompilerHost(OPTIONS)
  const folders = new Set([...sources.keys()].map((path) => join(path, '..')))
  return {
    ...host,
    fileExists: (path) => sources.has(path) || host.fileExists(path),
    readFile: (path) => sources.get(path) ?? host.readFile(path),
    directoryExists: (path) => folders.has(path) || (host.directoryExists?.(path) ?? true),
    getSourceFile: (path, options) => {
      const text = sources.get(path)
      return text === undefined
        ? host.getSourceFile(path, options)
        : ts.createSourceFile(path, text, options)
    },
  }
}

function told(
  { file, start = 0, messageText }: ts.Diagnostic,
  places: ReadonlyMap<string, GuideBlock>,
): string {
  const message = ts.flattenDiagnosticMessageText(messageText, ' ')
  const block = places.get(file?.fileName ?? '')
  if (block === undefined || file === undefined) return `the context of guides: ${message}`
  const { line } = file.getLineAndCharacterOfPosition(start)
  const text = file.text.split('\n')[line]?.trim()
  return `${placeOf(block)}: ${message} (${text})`
}
