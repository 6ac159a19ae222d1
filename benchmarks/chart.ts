import { readFileSync, writeFileSync } from 'node:fs'
import { chartOf } from './chart-svg.js'
import { type Measurement, ratiosOf, summariesOf } from './comparison.js'
import { ratioTableOf, tableOf } from './comparison-table.js'
import type { Machine } from './machine.js'
import { median, round } from './statistics.js'

/**
 * node dist/benchmarks/chart.js OUT.svg RESULTS.jsonl …: draws what `compare --json` has printed, of one run or
 * of several on the same machine, and prints medians and ratios as tables in Markdown.
 */
const [out, ...files] = process.argv.slice(2)
if (out === undefined || files.length === 0) {
  process.stderr.write('usage: node dist/benchmarks/chart.js OUT.svg RESULTS.jsonl …\n')
  process.exitCode = 2
} else {
  const lines = files.flatMap((file) => readFileSync(file, 'utf8').trim().split('\n'))
  const measured = lines
    .map((line) => JSON.parse(line) as Measurement & Machine)
    .filter((line) => line.contestant !== undefined && line.part !== undefined)
  const summaries = summariesOf(measured)
  writeFileSync(out, chartOf(summaries, footnoteOf(measured)))
  process.stdout.write(`${tableOf(summaries)}\n${ratioTableOf(ratiosOf(measured))}`)
}

function footnoteOf(lines: readonly Machine[]): string {
  const [first] = lines
  if (first === undefined) return ''
  const flush = round(median(lines.map(({ disk_flush_ms }) => disk_flush_ms)), 2)
  return `Three nodes on one machine, every acknowledgement flushed. ${first.cpu}, ${first.cores} cores; a flush takes ${flush} ms; Node.js ${first.node_version}.`
}
