import type { Codec, Entry, StateMachine } from '../fsm/state-machine.js'

/**
 * A state machine of your own under the simulator: replicated by whole clusters of the production actors,
 * through crashes, partitions, stalls and changes of members. Nothing in it may wait for the real world (files,
 * sockets, timers, threads); promises are fine.
 */
export interface Subject<
  Command = Uint8Array,
  Machine extends StateMachine<Command> = StateMachine<Command>,
> {
  /** A new machine in its first state: called at every start of every replica. */
  readonly createStateMachine: (nodeId: string) => Machine
  /** The next command that a program proposes. Draw from `random` (uniform in [0, 1)) and nothing else. */
  readonly nextCommand: (random: () => number) => Command
  /** How commands become bytes. Default: they are bytes. */
  readonly codec?: Codec<Command>
  /**
   * What of a replica's state must equal that of any other after the same entry, as text; compared after
   * every entry, so keep it cheap. Results are compared always. Default: nothing more.
   */
  readonly digest?: (machine: Machine) => string
  /** Called after every entry on every replica; throws where the machine is not what it should be. */
  readonly check?: (machine: Machine, entry: Entry<Command>) => void
}

/** A subject as the simulator sees it. */
export type ErasedSubject = Subject<unknown, StateMachine<unknown>>
