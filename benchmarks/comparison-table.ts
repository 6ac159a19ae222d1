import type { Ratio, Summary } from './comparison.js'

/** Medians of `compare`, and between what the rounds lay, as a table in Markdown. */
export function tableOf(summaries: readonly Summary[]): string {
  const head = [
    '| load | | commands a second | p50 | p99 | p99.9 |',
    '| --- | --- | --- | --- | --- | --- |',
  ]
  return `${[...head, ...summaries.map(rowOf)].join('\n')}\n`
}

/** Ours to theirs: above 1 is more a second, below 1 is sooner. */
export function ratioTableOf(ratios: readonly Ratio[]): string {
  const rows = ratios.map(({ part, load, ratio_of, to, ops_s_ratio, p50_ratio, p99_ratio }) =>
    [shapeOf(part, load), ratio_of, to, ops_s_ratio, p50_ratio ?? '', p99_ratio ?? ''].join(' | '),
  )
  const head = ['load | of | to | a second | p50 | p99', '--- | --- | --- | --- | --- | ---']
  return `${[...head, ...rows].map((row) => `| ${row} |`).join('\n')}\n`
}

function rowOf(summary: Summary): string {
  const { part, load, median_of, ops_s, ops_s_min, ops_s_max, rounds } = summary
  const spread = rounds > 1 ? ` (${count(ops_s_min)} to ${count(ops_s_max)})` : ''
  const latencies = [summary.p50_ms, summary.p99_ms, summary.p999_ms].map(ms)
  return `| ${[shapeOf(part, load), median_of, count(ops_s) + spread, ...latencies].join(' | ')} |`
}

function shapeOf(part: Summary['part'], load: string): string {
  return part === 'store' ? load : load.replace(/ x (\d+)$/, ', $1 in flight')
}

function count(value: number): string {
  return value.toLocaleString('en')
}

function ms(value: number | null): string {
  if (value === null) return ''
  return `${value >= 10 ? Math.round(value) : Number(value.toPrecision(2))} ms`
}
