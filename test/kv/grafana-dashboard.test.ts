import { readFileSync } from 'node:fs'
import t from 'tap'
import { serviceRegistry } from '../../lib/kv/service-registry.js'
import { quietStats } from '../node/fixtures/quiet-stats.js'

interface Panel {
  readonly id: number
  readonly title: string
  readonly type: string
  readonly description?: string
  readonly targets?: readonly { readonly expr: string }[]
}

const dashboard = JSON.parse(readFileSync('lib/kv/grafana-dashboard.json', 'utf8')) as {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly definition?: string }[] }
}

/** What a Prometheus that scrapes the service knows. */
async function seriesNames(): Promise<ReadonlySet<string>> {
  const node = { stats: quietStats, closed: new Promise<never>(() => {}) }
  const { text, release } = serviceRegistry(node)
  const names = [...(await text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(
    ([, name = '', type]) =>
      type === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : [name],
  )
  release()
  return new Set(names)
}

t.test('every metric that the dashboard asks for is one that the service tells', async (t) => {
  const known = await seriesNames()
  const panels = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  const variables = dashboard.templating.list.flatMap(({ definition = '' }) => definition)
  const asked = [...panels, ...variables].flatMap(
    (text) => text.match(/\b(troupe|process)_\w+/g) ?? [],
  )
  t.ok(asked.length > 30)
  t.strictSame(
    asked.filter((name) => !known.has(name)),
    [],
  )
})

t.test('every panel has a number of its own, and says what to look for', async (t) => {
  const ids = dashboard.panels.map(({ id }) => id)
  t.equal(new Set(ids).size, ids.length)
  for (const { title, type, description, targets = [] } of dashboard.panels) {
    if (type === 'row') continue
    t.ok(description && targets.length > 0, title)
  }
})
