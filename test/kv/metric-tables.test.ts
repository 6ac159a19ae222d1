import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { metrics } from '../../lib/kv/metric-list.js'

/**
 * The table in lib/kv/METRICS.md is made from metric-list.ts:
 * `node dist/test/kv/metric-tables.test.js --rewrite` makes it anew.
 */

const GUIDE = new URL('../../../lib/kv/METRICS.md', import.meta.url)
const START = '| name | type | labels | meaning |\n| --- | --- | --- | --- |\n'
const END = '\n## Alerts\n'

function table(): string {
  const rows = metrics.map(({ name, kind, labels, help }) => {
    const own = labels.map((label) => `\`${label}\``).join(' ')
    return `| \`troupe_${name}\` | ${kind} | ${own} | ${help} |\n`
  })
  return rows.join('')
}

const guide = readFileSync(GUIDE, 'utf8')
const [before = '', rest = ''] = guide.split(START)
const [found, alerts = ''] = rest.split(END)

if (process.argv.includes('--rewrite')) {
  writeFileSync(GUIDE, [before, START, table(), END, alerts].join(''))
}

t.test('the guide lists every metric with type, labels and meaning, and no other', async (t) => {
  t.equal(process.argv.includes('--rewrite') ? table() : found, table())
})

t.test('every alert of the guide is on a metric that there is', async (t) => {
  const names = metrics.flatMap(({ name, kind }) =>
    kind === 'histogram' ? [`troupe_${name}_bucket`, `troupe_${name}_count`] : [`troupe_${name}`],
  )
  const asked = alerts.match(/\btroupe_\w+/g) ?? []
  t.ok(asked.length > 8)
  t.strictSame(
    asked.filter((name) => !names.includes(name)),
    [],
  )
})
