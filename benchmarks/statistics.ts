/** Of numbers in order; `q` from 0 to 1. NaN when there are none. */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}

/** Of two in the middle the mean. NaN when there are none. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = sorted.length / 2
  if (sorted.length % 2 === 1) return sorted[Math.floor(middle)] ?? Number.NaN
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}

export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

export interface LatencyFigures {
  readonly p50_ms: number
  readonly p99_ms: number
  readonly p999_ms: number
}

/** The distances between neighbours. */
export function gaps(times: ArrayLike<number>): Float64Array {
  const found = new Float64Array(Math.max(0, times.length - 1))
  for (let i = 0; i < found.length; i++) found[i] = (times[i + 1] ?? 0) - (times[i] ?? 0)
  return found
}
