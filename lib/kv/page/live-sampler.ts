import type { NodeStats } from '../../node/types.js'
import { ActorRates } from './actor-rates.js'
import type { LiveActor, LiveSample } from './live-message.js'
import type { RequestMeter } from './request-meter.js'

/** Two minutes. */
const kept = 120

/** What a node does from second to second, for so long that a page which is opened has something to show. */
export class LiveSampler {
  readonly #meter: RequestMeter
  readonly #actors = new ActorRates()
  readonly #samples: { readonly number: number; readonly sample: LiveSample }[] = []
  #last = 0
  #before: Pick<NodeStats, 'commitIndex' | 'refusedForLoad'> | null = null
  #beforeAt = 0
  #refusedPerS = 0

  constructor(meter: RequestMeter) {
    this.#meter = meter
  }

  get actors(): readonly LiveActor[] {
    return this.#actors.latest
  }

  get committedPerS(): number {
    return this.#samples.at(-1)?.sample.committedPerS ?? 0
  }

  get refusedPerS(): number {
    return this.#refusedPerS
  }

  /** `now` is monotonic, `at` the time of day, both in ms. */
  take(stats: NodeStats, now: number, at: number): void {
    const elapsedMs = now - this.#beforeAt
    const before = this.#before
    const perS = (count: number) => Math.max(0, (count * 1000) / elapsedMs)
    this.#actors.look(stats.actors, now)
    const requests = this.#meter.take(elapsedMs)
    this.#before = stats
    this.#beforeAt = now
    if (before === null || elapsedMs <= 0) return
    this.#refusedPerS = perS(stats.refusedForLoad - before.refusedForLoad)
    // At its start a node learns of everything that was committed before, which says nothing of this second.
    const learned = before.commitIndex === 0 ? 0 : stats.commitIndex - before.commitIndex
    const committedPerS = perS(learned)
    this.#last++
    const sample = { at, committedPerS: tenths(committedPerS), ...rounded(requests) }
    this.#samples.push({ number: this.#last, sample })
    if (this.#samples.length > kept) this.#samples.shift()
  }

  /** Those after the one with this number, and the number of the last. */
  since(number: number): { readonly samples: readonly LiveSample[]; readonly last: number } {
    const found = this.#samples.filter((one) => one.number > number)
    return { samples: found.map(({ sample }) => sample), last: this.#last }
  }
}

function rounded(requests: ReturnType<RequestMeter['take']>): typeof requests {
  const { writesPerS, readsPerS } = requests
  return { ...requests, writesPerS: tenths(writesPerS), readsPerS: tenths(readsPerS) }
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10
}
