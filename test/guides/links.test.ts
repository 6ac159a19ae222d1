import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../helpers/readme-tables.js'
import { guideBlocks, guideFiles, placeOf, readGuide } from './support/guide-blocks.js'

const languages = ['ts', 'js', 'sh', 'console', 'text', 'json', 'yaml', 'ini']

t.test('every main folder has a guide, with a picture', async (t) => {
  const core = [
    'core',
    'runtime',
    'log',
    'snapshot',
    'transport',
    'fsm',
    'node',
    'sim',
    'kv',
    'cli',
  ]
  const folders = [
    'actors',
    'benchmarks',
    'test',
    'lib/examples',
    ...core.map((name) => `lib/${name}`),
  ]
  for (const folder of folders) {
    const file = `${folder}/README.md`
    if (!existsSync(join(projectRoot, file))) t.fail(`${file} is missing`)
    else t.ok(/[─▶▼│]/.test(readGuide(file)), `${file} has a picture`)
  }
})

t.test('every block says what language it is in', async (t) => {
  const unknown = guideBlocks().filter(({ language }) => !languages.includes(language))
  t.same(unknown.map(placeOf), [])
})

t.test('every block of commands says whether it is run', async (t) => {
  const silent = guideBlocks().filter(
    ({ language, words }) => language === 'sh' && !/^(no-)?run$/.test(words[0] ?? ''),
  )
  t.same(silent.map(placeOf), [], 'mark it `sh run` or `sh no-run`')
})

t.test('every link between guides leads somewhere', async (t) => {
  const broken = guideFiles().flatMap((file) =>
    linksOf(file)
      .filter((link) => !leadsSomewhere(file, link))
      .map((link) => `${file}: ${link}`),
  )
  t.same(broken, [])
})

function linksOf(file: string): readonly string[] {
  const prose = readGuide(file).replaceAll(/^```.*?^```$/gms, '')
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
  return links.filter((link) => !/^[a-z]+:/.test(link))
}

function leadsSomewhere(file: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? file : join(dirname(file), path)
  const full = join(projectRoot, target)
  if (!existsSync(full)) return false
  if (anchor === undefined) return true
  return statSync(full).isFile() && anchorsOf(target).has(anchor)
}

/** As GitHub makes them of headings. */
function anchorsOf(file: string): ReadonlySet<string> {
  const headings = readGuide(file).matchAll(/^#+ (.*)$/gm)
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}
