import { StateMachineError } from '../../../lib/fsm/errors.js'
import type { LoadedMachine } from '../../../lib/fsm/load.js'
import type { SnapshotCapture, SnapshotSink } from '../../../lib/fsm/state-machine.js'
import { isPromise } from '../../../lib/runtime/promise.js'
import type { Repetitions } from './repetitions.js'
import { stateSection } from './state-section.js'
import { encodeTables } from './table-codec.js'

interface Progress {
  readonly lastApplied: number
  readonly seen: number
  readonly repetitions: Repetitions
}

/**
 * The state machine together with its sessions, captured as one: there is no way to take the one
 * without the other.
 */
export class WholeState {
  readonly #machine: LoadedMachine
  readonly #progress: Progress

  constructor(machine: LoadedMachine, progress: Progress) {
    this.#machine = machine
    this.#progress = progress
  }

  snapshot(): SnapshotCapture | Promise<SnapshotCapture> {
    const { seen, lastApplied, repetitions } = this.#progress
    if (seen < lastApplied) throw notYet(seen, lastApplied)
    const { sessions, keys } = repetitions
    if (sessions.size === 0 && keys.size === 0) return this.#machine.snapshot()
    const section = stateSection(encodeTables(repetitions))
    const captured = this.#machine.snapshot()
    return isPromise(captured)
      ? captured.then((capture) => withSection(section, capture))
      : withSection(section, captured)
  }
}

function withSection(section: Uint8Array, capture: SnapshotCapture): SnapshotCapture {
  return {
    async persist(sink: SnapshotSink): Promise<void> {
      await sink.write(section)
      await capture.persist(sink)
    },
    release: () => capture.release?.(),
  }
}

function notYet(seen: number, lastApplied: number): StateMachineError {
  return new StateMachineError(
    'RAFT_NOTHING_TO_SNAPSHOT',
    `the sessions are being read again from the log, at ${seen} of ${lastApplied}: try again`,
    { details: { index: seen, lastApplied } },
  )
}
