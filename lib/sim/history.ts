import { applyTo, type Registers } from './registers.js'
import { SafetyViolation } from './violation.js'

/** A write: from `from` on it was under way, at `to` it was known to be done (infinity: never known). */
export interface Write {
  readonly command: string
  readonly from: number
  readonly to: number
  /** As it was answered; null: it never was. */
  readonly result: { readonly position: number; readonly done: boolean } | null
}

/** What one read saw of a register. */
export interface Reading {
  readonly what: string
  readonly key: string
  readonly from: number
  readonly to: number
  readonly count: number
  readonly value: string
}

/** When an operation took place, and after how many writes. */
interface Moment {
  readonly name: string
  readonly from: number
  readonly to: number
  /** A write at position p: from p - 1 writes to p. A read after c writes: from c to c. */
  readonly before: number
  readonly after: number
}

/**
 * Linearizability of what clients did and saw. The order of the writes is the one in which the machines hold
 * them, so no order need be searched for: it must explain every answer, and never turn round two operations
 * of which one had ended before the other began. That takes time in proportion to n log n.
 * @throws SafetyViolation
 */
export function checkHistory(
  final: readonly string[],
  writes: readonly Write[],
  readings: readonly Reading[],
): void {
  const moments: Moment[] = []
  const placed = new Map(final.map((command, place) => [command, place + 1]))
  const model = new Replay(final)
  for (const write of writes) {
    const position = placed.get(write.command)
    checkWrite(write, position, model)
    if (position === undefined) continue
    const { from, to, command } = write
    moments.push({ name: command, from, to, before: position - 1, after: position })
  }
  for (const reading of readings) {
    const { what, key, from, to, count, value } = reading
    const expected = model.value(key, count)
    if (expected !== value) {
      broken(`a ${what} of ${key} after ${count} writes saw ${value || 'nothing'}, not ${expected}`)
    }
    moments.push({ name: `a ${what} of ${key}`, from, to, before: count, after: count })
  }
  checkOrder(moments)
}

function checkWrite({ command, result }: Write, position: number | undefined, model: Replay): void {
  if (result === null) return
  if (position === undefined) broken(`${command} was acknowledged and is not there`)
  if (result.position !== position) {
    broken(`${command} was answered as write ${result.position} and is write ${position}`)
  }
  if (result.done !== model.done(position)) {
    broken(`${command} was answered with ${result.done}, its condition was ${!result.done}`)
  }
}

/** Whoever began after another had ended stands behind it. */
function checkOrder(moments: readonly Moment[]): void {
  const ended = [...moments].sort((a, b) => a.to - b.to)
  const begun = [...moments].sort((a, b) => a.from - b.from)
  let next = 0
  let latest: Moment | null = null
  for (const moment of begun) {
    for (
      let done = ended[next];
      done !== undefined && done.to < moment.from;
      done = ended[++next]
    ) {
      if (latest === null || done.after > latest.after) latest = done
    }
    if (latest === null || moment.before >= latest.after) continue
    broken(
      `${moment.name} began at ${moment.from} and stands after ${moment.before} writes, ` +
        `but ${latest.name}, ended at ${latest.to}, after ${latest.after}`,
    )
  }
}

/** The registers after each write. */
class Replay {
  readonly #done: boolean[] = []
  readonly #written = new Map<string, { readonly position: number; readonly value: string }[]>()

  constructor(commands: readonly string[]) {
    const registers: Registers = new Map()
    commands.forEach((command, place) => {
      const done = applyTo(registers, command)
      this.#done.push(done)
      const [id = '', , key = ''] = command.split(' ')
      if (!done) return
      const written = this.#written.get(key) ?? []
      written.push({ position: place + 1, value: id })
      this.#written.set(key, written)
    })
  }

  done(position: number): boolean {
    return this.#done[position - 1] === true
  }

  value(key: string, count: number): string {
    const written = this.#written.get(key) ?? []
    let low = 0
    let high = written.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((written[middle]?.position ?? 0) <= count) low = middle + 1
      else high = middle
    }
    return written[low - 1]?.value ?? ''
  }
}

function broken(text: string): never {
  throw new SafetyViolation('linearizability', text)
}
