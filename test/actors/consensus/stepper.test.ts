import t from 'tap'
import { ControlBlockWriter, type WordsPort } from '../../../actors/consensus/control-block.js'
import { Stepper } from '../../../actors/consensus/stepper.js'
import type { ControlBlock, Effect } from '../../../lib/core/effects.js'
import type { Input } from '../../../lib/core/inputs.js'

const block: ControlBlock = { term: 3, leader: 'n1', addedAt: 1, leaseMs: 500 }
const CONTACT = 5

/** A thread whose clock jumps whenever it is held up: after it has loaded the contact word. */
function bench(options: { readonly deadline: number; readonly heldUpMs: number }) {
  let now = 0
  const words = [0, 0, 0, 0, 0, 0]
  const port: WordsPort = {
    load: (index) => {
      const value = words[index] ?? 0
      if (index === CONTACT) now += options.heldUpMs
      return value
    },
    store: (index, value) => {
      words[index] = value
    },
  }
  const control = new ControlBlockWriter(port)
  control.publish(block)
  const steps: { readonly kind: string; readonly at: number; readonly published: boolean }[] = []
  const core = {
    nextDeadline: () => options.deadline,
    step: (at: number, { kind }: Input): Effect[] => {
      steps.push({ kind, at, published: control.published })
      return []
    },
  }
  const effects = { run: () => {}, controlBlock: block }
  const parts = { context: { now: () => now }, core, control, effects }
  const stepper = new Stepper(parts as unknown as ConstructorParameters<typeof Stepper>[0])
  return { stepper, steps, control }
}

t.test('S9: a tick at its deadline is carried out with the block withdrawn', async (t) => {
  const { stepper, steps, control } = bench({ deadline: 0, heldUpMs: 0 })
  stepper.step({ kind: 'tick' })
  t.strictSame(steps, [{ kind: 'tick', at: 0, published: false }])
  t.ok(control.published, 'and the block is out again afterwards')
})

t.test('S9: a thread held up at the contact word does not campaign behind a block', async (t) => {
  for (const heldUpMs of [10, 99, 100, 1000]) {
    const { stepper, steps } = bench({ deadline: 100, heldUpMs })
    stepper.step({ kind: 'tick' })
    const behind = steps.filter(({ at, published }) => published && at >= 100)
    t.strictSame(behind, [], `held up for ${heldUpMs} ms`)
    t.equal(steps.at(-1)?.kind, 'tick')
  }
})
