import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { projectRoot } from '../../helpers/readme-tables.js'

/** A fenced block of a guide. Its first line is "```LANGUAGE WORD…". */
export interface GuideBlock {
  /** The guide, relative to the project. */
  readonly file: string
  readonly line: number
  readonly language: string
  readonly words: readonly string[]
  readonly text: string
  /** The block right behind it, if nothing but empty lines is between: what a program prints. */
  readonly next: GuideBlock | null
}

/** Every Markdown file of the project. */
export function guideFiles(): readonly string[] {
  return filesBelow(projectRoot)
    .filter((path) => path.endsWith('.md'))
    .map((path) => relative(projectRoot, path))
    .sort()
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.') || ['node_modules', 'dist'].includes(entry.name)) return []
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesBelow(path) : [path]
  })
}

export function readGuide(file: string): string {
  return readFileSync(join(projectRoot, file), 'utf8')
}

export function guideBlocks(): readonly GuideBlock[] {
  return guideFiles().flatMap((file) => blocksOf(file, readGuide(file)))
}

/** Where a block is, for people. */
export function placeOf({ file, line }: GuideBlock): string {
  return `${file}:${line}`
}

type Found = Omit<GuideBlock, 'next'> & { readonly end: number }

function blocksOf(file: string, text: string): readonly GuideBlock[] {
  const lines = text.split('\n')
  const found: Found[] = []
  for (let at = 0; at < lines.length; at++) {
    const info = /^```(.*)$/.exec(lines[at] ?? '')?.[1]
    if (info === undefined) continue
    const end = lines.indexOf('```', at + 1)
    if (end < 0) throw new Error(`${file}:${at + 1}: the block has no end`)
    const [language = '', ...words] = info.trim().split(/\s+/)
    const body = lines.slice(at + 1, end)
    found.push({ file, line: at + 1, language, words, text: `${body.join('\n')}\n`, end: end + 1 })
    at = end
  }
  return linked(found, lines)
}

/** From the last one on, so that each knows the one behind it. */
function linked(found: readonly Found[], lines: readonly string[]): readonly GuideBlock[] {
  const blocks: GuideBlock[] = []
  let after: { readonly block: GuideBlock; readonly line: number } | null = null
  for (const { end, ...block } of [...found].reverse()) {
    const follows: boolean =
      after !== null && lines.slice(end, after.line - 1).every((line) => line === '')
    const complete: GuideBlock = { ...block, next: follows && after ? after.block : null }
    blocks.unshift(complete)
    after = { block: complete, line: block.line }
  }
  return blocks
}
