import t from 'tap'
import type { SeedReport } from '../../lib/sim/run-seed.js'
import { Totals } from '../../lib/sim/totals.js'

/** A report in which everything happened once, but for these. */
function report(changes: Partial<SeedReport> = {}): SeedReport {
  const once = new Proxy({ operations: 600, ...changes } as Record<string, unknown>, {
    get: (known, name) => known[String(name)] ?? 1,
  })
  return once as unknown as SeedReport
}

t.test('the last line says how many seeds passed, the lines before what happened', async (t) => {
  const totals = new Totals()
  totals.add(report())
  totals.add(report({ elections: 4 }))
  totals.failed++
  const lines = totals.text(60_000).trim().split('\n')
  t.equal(lines.at(-1), '2 passed, 1 failed')
  t.match(lines[0], /^elections +5$/)
  t.strictSame(totals.shortcomings(60_000), [])
})

t.test('over 1,000 seeds it is a failure that something never happened', async (t) => {
  const totals = new Totals()
  for (let seed = 0; seed < 999; seed++) totals.add(report({ transfers: 0 }))
  t.strictSame(totals.shortcomings(60_000), [])
  totals.add(report({ transfers: 0 }))
  t.strictSame(totals.shortcomings(60_000), ['there were no transfers'])
  t.match(totals.text(60_000), /\nnot enough: there were no transfers\n1000 passed, 0 failed\n$/)
  t.strictSame(totals.shortcomings(null), [], 'unless nobody asks')
})

t.test('half of the seeds must commit 500 operations', async (t) => {
  const totals = new Totals()
  totals.add(report({ operations: 499 }))
  totals.add(report({ operations: 500 }))
  t.strictSame(totals.shortcomings(60_000), [])
  totals.add(report({ operations: 0 }))
  t.match(totals.shortcomings(60_000), ['1 of 3 seeds committed 500 operations'])
  t.strictSame(totals.shortcomings(10_000), [], 'short runs need not')
})
