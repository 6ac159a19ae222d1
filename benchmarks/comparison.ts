import type { LatencyFigures } from './statistics.js'
import { median, round } from './statistics.js'

/** Load as it is put on a replicated log: bytes of a command, commands in flight. */
export interface Shape {
  readonly size: number
  readonly inflight: number
}

/** One contestant, once. */
export type Measurement = { readonly round: number; readonly contestant: string } & (
  | ({
      readonly part: 'replicated-log'
      readonly ops_s: number
      readonly rss_mb: number
      readonly flushes_s: number
    } & Shape &
      LatencyFigures)
  | {
      readonly part: 'store'
      readonly operation: string
      readonly size: number
      readonly batch: number
      readonly ops_s: number
    }
)

/** Of all rounds: the median, and between what the rounds lay. */
export interface Summary {
  readonly part: Measurement['part']
  readonly median_of: string
  readonly load: string
  readonly rounds: number
  readonly ops_s: number
  readonly ops_s_min: number
  readonly ops_s_max: number
  /** Of a replicated log. */
  readonly p50_ms: number | null
  readonly p99_ms: number | null
  readonly p999_ms: number | null
  readonly rss_mb: number | null
}

/** Ours to theirs: above 1 is more a second, below 1 is sooner. */
export interface Ratio {
  readonly part: Measurement['part']
  readonly ratio_of: string
  readonly to: string
  readonly load: string
  readonly ops_s_ratio: number
  readonly p50_ratio: number | null
  readonly p99_ratio: number | null
}

export function summariesOf(measured: readonly Measurement[]): readonly Summary[] {
  const groups = new Map<string, Measurement[]>()
  for (const measurement of measured) {
    const key = `${measurement.part} ${loadOf(measurement)} ${measurement.contestant}`
    groups.set(key, [...(groups.get(key) ?? []), measurement])
  }
  return [...groups.values()].map(summaryOf).sort(byLoad)
}

/** Each of ours to each of the others, under the same load. */
export function ratiosOf(measured: readonly Measurement[]): readonly Ratio[] {
  const summaries = summariesOf(measured)
  const isOurs = ({ median_of }: Summary): boolean => median_of.startsWith('troupe')
  return summaries.filter(isOurs).flatMap((our) =>
    summaries
      .filter((their) => !isOurs(their) && their.part === our.part && their.load === our.load)
      .map((their) => ({
        part: our.part,
        ratio_of: our.median_of,
        to: their.median_of,
        load: our.load,
        ops_s_ratio: round(our.ops_s / their.ops_s, 2),
        p50_ratio: ratio(our.p50_ms, their.p50_ms),
        p99_ratio: ratio(our.p99_ms, their.p99_ms),
      })),
  )
}

function ratio(our: number | null, their: number | null): number | null {
  return our === null || their === null ? null : round(our / their, 2)
}

function loadOf(measurement: Measurement): string {
  return measurement.part === 'store'
    ? `${measurement.operation} ${measurement.batch} x ${measurement.size} B`
    : `${measurement.size} B x ${measurement.inflight}`
}

function summaryOf(group: readonly Measurement[]): Summary {
  const [first] = group
  if (first === undefined) throw new Error('a group has a first')
  const rates = group.map(({ ops_s }) => ops_s)
  const middle = (name: 'p50_ms' | 'p99_ms' | 'p999_ms' | 'rss_mb'): number | null => {
    const values = group.flatMap((one) => (one.part === 'replicated-log' ? [one[name]] : []))
    return values.length === 0 ? null : round(median(values), 3)
  }
  return {
    part: first.part,
    median_of: first.contestant,
    load: loadOf(first),
    rounds: group.length,
    ops_s: Math.round(median(rates)),
    ops_s_min: Math.min(...rates),
    ops_s_max: Math.max(...rates),
    p50_ms: middle('p50_ms'),
    p99_ms: middle('p99_ms'),
    p999_ms: middle('p999_ms'),
    rss_mb: middle('rss_mb'),
  }
}

/** As measured, but all contestants of one load together. */
function byLoad(a: Summary, b: Summary): number {
  const order = ({ part, load }: Summary): string =>
    `${part} ${load.replace(/\d+/g, (digits) => digits.padStart(9, '0'))}`
  return order(a).localeCompare(order(b))
}
