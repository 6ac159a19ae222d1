import type { ProgressEvent } from '../../actors/consensus/node-event.js'
import type { Role } from '../core/types.js'
import type { RaftEvent } from './events.js'

/** What was seen to happen since the node's start. */
export interface EventTotals {
  readonly elections: {
    /** Rounds in which this node asked for votes. */
    readonly started: number
    /** Rounds in which it only asked whether it could win. */
    readonly preVotes: number
    readonly won: number
    /** Votes, not pre-votes, that this node gave and refused to others. */
    readonly votesGranted: number
    readonly votesRefused: number
  }
  /** How often this node took up each role. */
  readonly roles: Readonly<Record<Role, number>>
  readonly snapshots: {
    readonly saved: number
    readonly received: number
    readonly sent: number
    readonly failed: number
  }
  /** `failed`: followers that left this leader's heartbeats unanswered; `late`: leaders that fell silent. */
  readonly heartbeats: { readonly failed: number; readonly late: number }
  /** Heartbeat connections to other members that broke. */
  readonly disconnects: number
  /** Of long work, the latest news of each kind; null: there was none. */
  readonly progress: Readonly<Record<ProgressEvent['what'], Progress | null>>
}

/** `replay`: entries of the log; `restore`, `install`: bytes of a snapshot. */
export interface Progress {
  readonly done: number
  readonly total: number
  /** Wall clock, ms since the epoch. */
  readonly at: number
}

/** Counts the events of a node, so that nothing else has to. */
export class EventCounts {
  readonly #elections = { started: 0, preVotes: 0, won: 0, votesGranted: 0, votesRefused: 0 }
  readonly #roles: Record<Role, number> = { follower: 0, preCandidate: 0, candidate: 0, leader: 0 }
  readonly #snapshots = { saved: 0, received: 0, sent: 0, failed: 0 }
  readonly #heartbeats = { failed: 0, late: 0 }
  readonly #progress: Record<ProgressEvent['what'], Progress | null> = {
    replay: null,
    restore: null,
    install: null,
  }
  #disconnects = 0

  saw(event: RaftEvent): void {
    switch (event.kind) {
      case 'vote':
        if (event.change === 'started') this.#elections[event.preVote ? 'preVotes' : 'started']++
        else if (event.change === 'answered' && !event.preVote) {
          this.#elections[event.granted ? 'votesGranted' : 'votesRefused']++
        }
        return
      case 'state':
        if (event.role === event.previous) return
        this.#roles[event.role]++
        if (event.role === 'leader') this.#elections.won++
        return
      case 'snapshot':
        this.#snapshots[event.change]++
        return
      case 'heartbeat':
        if (event.change !== 'resumed') this.#heartbeats[event.change]++
        return
      case 'peer':
        if (event.change === 'inactive') this.#disconnects++
        return
      case 'progress': {
        const { what, done, total, at } = event
        this.#progress[what] = { done, total, at }
        return
      }
      default:
    }
  }

  totals(): EventTotals {
    return {
      elections: { ...this.#elections },
      roles: { ...this.#roles },
      snapshots: { ...this.#snapshots },
      heartbeats: { ...this.#heartbeats },
      disconnects: this.#disconnects,
      progress: { ...this.#progress },
    }
  }
}
