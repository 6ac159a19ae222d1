/** Where progress is shown; `process.stderr` is one. */
export interface ProgressOutput {
  readonly isTTY?: boolean
  write(text: string): unknown
}

export type ProgressUnit = 'entries' | 'bytes'

/** On a terminal the line is renewed at most so often. */
const REDRAW_MS = 100
/** Elsewhere, e.g. in the log of a service, a line is written at most so often, and none for what is quicker. */
const LINE_MS = 10_000

/** How far long work has come, for people: one line that changes on a terminal, lines now and then elsewhere. */
export class ProgressLine {
  readonly #output: ProgressOutput
  readonly #now: () => number
  #shownAt: number
  #drawn = false

  constructor(
    output: ProgressOutput = process.stderr,
    now: () => number = () => performance.now(),
  ) {
    this.#output = output
    this.#now = now
    this.#shownAt = now()
  }

  show(what: string, done: number, total: number, unit: ProgressUnit): void {
    if (done >= total) return this.clear()
    const now = this.#now()
    if (now - this.#shownAt < (this.#output.isTTY === true ? REDRAW_MS : LINE_MS)) return
    this.#shownAt = now
    const text = `${what} ${percentOf(done, total)} % (${amount(done, unit)} of ${amount(total, unit)})`
    this.#output.write(this.#output.isTTY === true ? `\r\x1b[K${text}` : `${text}\n`)
    this.#drawn = this.#output.isTTY === true
  }

  /** Leaves the line to others. What is shown next draws it again. */
  clear(): void {
    if (!this.#drawn) return
    this.#drawn = false
    this.#output.write('\r\x1b[K')
  }
}

function percentOf(done: number, total: number): number {
  return total > 0 ? Math.floor((100 * done) / total) : 100
}

function amount(value: number, unit: ProgressUnit): string {
  if (unit === 'entries') return `${value} entries`
  return value < 1024 * 1024 ? `${value} bytes` : `${(value / 1024 / 1024).toFixed(1)} MiB`
}
