import t from 'tap'
import { hasTest, readTables, readText } from './helpers/readme-tables.js'
import { changes } from './switch-off/list.js'

/** The tables of test/README.md: complete, and true of the tests. */

const tables = readTables()

/** Rows by section; a section begins with its name behind `# `. */
function wanted(): ReadonlyMap<string, readonly string[]> {
  const sections = new Map<string, string[]>()
  let section: string[] = []
  for (const line of readText('test/fixtures/rows.txt').split('\n')) {
    if (line.startsWith('# ')) {
      section = []
      sections.set(line.slice(2), section)
    } else if (line !== '') section.push(line)
  }
  return sections
}

t.test('every row has a test that exists, or says why not', async (t) => {
  for (const [section, names] of wanted()) {
    const rows = tables.get(section) ?? []
    t.same(
      rows.map(({ row }) => row),
      names,
      section,
    )
    for (const { row, tests, note } of rows) {
      const excused = /^(Does not apply|Differs|Not yet)/.test(note)
      if (tests.length === 0 && !excused) t.fail(`${row} names no test and no reason`)
    }
  }
})

t.test('every test that is named exists', async (t) => {
  const missing = [...tables.values()]
    .flat()
    .flatMap(({ row, tests }) =>
      tests.filter((test) => !hasTest(test)).map(({ file, name }) => `${row}: ${file} ${name}`),
    )
  t.same(missing, [])
})

t.test('what was switched off last is what there is to switch off, and was noticed', async (t) => {
  const lines = readText('test/README.md').split('\n')
  const told = lines.filter((line) => line.endsWith(' | fails |'))
  t.same(
    told,
    changes.map(({ row, off, test, name }) => `| ${row} | ${off} | \`${test}\` ${name} | fails |`),
  )
  t.ok(told.length >= 40)
})
