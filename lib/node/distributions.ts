import { HISTOGRAM_EDGES, type HistogramCounts } from '../runtime/histogram.js'
import type { SizeFigures, TimeFigures } from './stats-types.js'

/** Histograms as `stats()` tells them: since the start, and of late. */

/** `before`: what it held when the recent past began. */
export function timeFigures(
  now: HistogramCounts,
  before: HistogramCounts | undefined,
): TimeFigures {
  const recent = before === undefined ? now : now.since(before)
  return {
    count: now.count,
    totalMs: now.sum,
    p50Ms: recent.quantile(0.5),
    p99Ms: recent.quantile(0.99),
    maxMs: recent.max,
    buckets: { edgesMs: edgesOf(now.lowest), counts: now.cumulative() },
  }
}

export function sizeFigures(
  now: HistogramCounts,
  before: HistogramCounts | undefined,
): SizeFigures {
  const recent = before === undefined ? now : now.since(before)
  return {
    count: now.count,
    total: now.sum,
    p50: Math.round(recent.quantile(0.5)),
    p99: Math.round(recent.quantile(0.99)),
    max: Math.round(recent.max),
    buckets: { edges: edgesOf(now.lowest), counts: now.cumulative() },
  }
}

const edges = new Map<number, readonly number[]>()

function edgesOf(lowest: number): readonly number[] {
  const known = edges.get(lowest)
  if (known !== undefined) return known
  const made = HISTOGRAM_EDGES.map((edge) => edge * lowest)
  edges.set(lowest, made)
  return made
}
