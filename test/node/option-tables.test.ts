import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { reloadableFields } from '../../lib/node/reload-config.js'
import { resolveConfig } from '../../lib/node/resolve-config.js'

/**
 * The tables of options in lib/node/README.md are made from the doc comments of config.ts:
 * `node dist/test/node/option-tables.test.js --rewrite` makes them anew.
 */

const START = '## Every option of `config`'
const README = new URL('../../../lib/node/README.md', import.meta.url)
const SOURCE = new URL('../../../lib/node/config.ts', import.meta.url)

interface Option {
  readonly name: string
  readonly meaning: string
  readonly byDefault: string
  readonly limit: string
}

const INTRODUCTION = `${START}

Names end in their unit. "Reloads": \`reloadConfig\` can change it while the node runs. A value outside its limit, or
against a rule between fields ([\`config-rules.ts\`](config-rules.ts)), is \`RAFT_CONFIG_INVALID\`; the message
names field, value and rule.
`

function tables(): string {
  const source = readFileSync(SOURCE, 'utf8')
  const fields = source.slice(source.indexOf('export interface RaftConfig {'))
  const parts = fields.matchAll(/\/\/ -- ([^:\n]+)|\/\*\*(.*?)\*\/\s*readonly (\w+):/gs)
  const lines: string[] = []
  for (const [, section, doc, name] of parts) {
    if (section !== undefined) lines.push('', ...heading(section.trim()))
    else if (doc !== undefined && name !== undefined) lines.push(row(option(name, doc)))
  }
  return `${INTRODUCTION}${lines.join('\n')}\n`
}

function heading(section: string): readonly string[] {
  const title = `### ${section.charAt(0).toUpperCase()}${section.slice(1)}`
  return [title, '', '| option | default | limit | reloads | |', '| --- | --- | --- | --- | --- |']
}

function option(name: string, doc: string): Option {
  const text = doc.replace(/\s*\n\s*\*\s?/g, ' ').trim()
  const found = /^(.*) Default:? (.*?)\.(?: Limit (.*)\.)?$/.exec(text)
  if (found === null) throw new Error(`the comment of ${name} names no default: ${text}`)
  const [, meaning = '', byDefault = '', limit = ''] = found
  return { name, meaning, byDefault, limit }
}

function row({ name, meaning, byDefault, limit }: Option): string {
  const reloads = (reloadableFields as readonly string[]).includes(name) ? 'yes' : ''
  return `| \`${name}\` | ${byDefault} | ${limit} | ${reloads} | ${meaning} |`
}

const text = readFileSync(README, 'utf8')
if (process.argv.includes('--rewrite')) {
  const before = text.split(START)[0]?.trimEnd()
  writeFileSync(README, `${before}\n\n${tables()}`)
}

t.test('the tables of options say what the comments of the options say', async (t) => {
  t.equal(readFileSync(README, 'utf8').slice(text.indexOf(START)), tables())
})

t.test('every option is in them', async (t) => {
  const made = tables()
  for (const name of Object.keys(resolveConfig({}, undefined))) t.match(made, `| \`${name}\` |`)
})
