import t from 'tap'
import { isRaftError } from '../../lib/node/errors.js'
import { SeededRandom } from '../helpers/seeded-random.js'
import { bytes } from './fixtures/callers.js'
import { commandsOf, FakeConsensus } from './fixtures/fake-consensus.js'

/** What the caller of one command was told. */
type Fate = { readonly index: number } | 'rejected' | 'unknown' | 'committed'

class Run {
  readonly consensus = new FakeConsensus({
    maxUnflushedBatches: 2,
    maxBatchEntries: 8,
    maxPendingEntries: 64,
    requestTimeoutMs: 200,
  }).lead()
  readonly fates = new Map<string, Fate>()
  readonly told = new Map<string, number>()
  readonly logged = new Map<number, string>()
  readonly #random: SeededRandom
  readonly #open: ReturnType<FakeConsensus['take']>[number][] = []
  #next = 0

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
  }

  below(n: number): number {
    return this.#random.below(n)
  }

  propose(): void {
    const name = `c${this.#next++}`
    const abort = new AbortController()
    const options = [
      undefined,
      { timeoutMs: 1 + this.below(300) },
      { signal: abort.signal },
      { forward: true },
      { forward: true, timeoutMs: 1 + this.below(300) },
    ][this.below(5)]
    const { applier } = this.consensus
    const result = options ? applier.applyWith(bytes(name), options) : applier.apply(bytes(name))
    this.#watch(name, result)
    if (this.below(3) === 0) abort.abort()
  }

  proposeBatch(): void {
    const names = Array.from({ length: 1 + this.below(4) }, () => `c${this.#next++}`)
    const options = this.below(2) === 0 ? {} : { timeoutMs: 1 + this.below(300) }
    const result = this.consensus.applier.applyBatch(names.map(bytes), options)
    names.forEach((name, i) => {
      const own = result.then(({ firstIndex }) => ({ index: firstIndex + i }))
      this.#watch(name, own)
    })
  }

  #watch(name: string, result: Promise<{ readonly index: number }>): void {
    result.then(
      ({ index }) => this.fates.set(name, { index }),
      (error: unknown) => {
        if (!isRaftError(error) || error.outcome === undefined) throw error
        this.fates.set(name, error.outcome)
      },
    )
  }

  /** Consensus takes what it was told, and answers something earlier in its own way. */
  consensusTurn(): void {
    const { consensus } = this
    for (const proposal of consensus.take('propose')) {
      for (const name of commandsOf(proposal)) {
        this.told.set(name, (this.told.get(name) ?? 0) + 1)
      }
      this.#open.push(proposal)
    }
    const proposal = this.#open[0]
    if (proposal?.kind !== 'propose') return
    consensus.flush(proposal.proposal)
    if (this.below(3) === 0) return
    this.#open.shift()
    const choice = this.below(6)
    if (choice === 0) consensus.fail(proposal.proposal, 'storageFull', 'rejected')
    else if (choice === 1) consensus.fail(proposal.proposal, 'leadershipLost', 'unknown')
    else if (choice === 2) consensus.fail(proposal.proposal, 'resultLost', 'committed')
    else {
      const firstIndex = consensus.apply(proposal)
      for (const [i, name] of commandsOf(proposal).entries()) this.logged.set(firstIndex + i, name)
    }
  }

  async step(): Promise<void> {
    const choice = this.below(10)
    if (choice < 4) this.propose()
    else if (choice < 5) this.proposeBatch()
    else if (choice < 8) this.consensusTurn()
    else if (choice < 9) await this.consensus.time.advance(this.below(60))
    else if (this.below(10) === 0) {
      this.consensus.follow(null)
      this.consensus.lead()
    }
    if (this.below(2) === 0) await this.consensus.time.advance(0)
  }
}

t.test('S17: whatever the order of events, nobody is told what is not so', async (t) => {
  for (let seed = 1; seed <= 60; seed++) {
    const run = new Run(seed)
    for (let i = 0; i < 150; i++) await run.step()
    run.consensus.side.close(undefined)
    await run.consensus.time.advance(0)
    const wrong: string[] = []
    for (const [name, count] of run.told) if (count > 1) wrong.push(`${name} told ${count} times`)
    for (const [name, fate] of run.fates) {
      const told = run.told.has(name)
      if (typeof fate === 'object' && run.logged.get(fate.index) !== name) {
        wrong.push(`${name} got index ${fate.index} of ${run.logged.get(fate.index)}`)
      }
      if (fate === 'committed' && !told) wrong.push(`${name} committed but never told`)
    }
    t.strictSame(wrong, [], `seed ${seed}`)
    t.equal(run.consensus.side.budget.entries, 0, `seed ${seed}: the budget is given back`)
    t.equal(run.consensus.time.timers, 0, `seed ${seed}: no timer is left`)
  }
})

t.test(
  'S17: a command that was told before its caller heard `rejected` was refused by consensus',
  async (t) => {
    for (let seed = 1; seed <= 30; seed++) {
      const run = new Run(seed)
      const heard = new Set<string>()
      for (let i = 0; i < 200; i++) {
        const before = new Set(run.told.keys())
        for (const [name, fate] of run.fates) {
          if (fate === 'rejected' && !before.has(name)) heard.add(name)
        }
        await run.step()
        // Once heard as rejected, a command never appears in a later batch.
        for (const name of run.told.keys()) {
          if (!before.has(name) && heard.has(name))
            t.fail(`seed ${seed}: ${name} proposed after all`)
        }
      }
      run.consensus.side.close(undefined)
    }
    t.pass('none was')
  },
)
