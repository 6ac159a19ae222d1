import { CONSENSUS_FIGURES, consensusFigures } from '../../actors/consensus/figures.js'
import { FSM_FIGURES, fsmFigures } from '../../actors/fsm/figures.js'
import { INBOUND_FIGURES, inboundFigures } from '../../actors/inbound/figures.js'
import { LOG_FIGURES, logFigures } from '../../actors/log/figures.js'
import { SharedFigures } from '../runtime/shared-figures.js'
import type { SharedBlocks } from './actor-inits.js'
import type { TroupeFigures } from './stats.js'

/** The memory in which the actors of one node count; it outlives each of them. */
export function allocateFigures(): SharedBlocks['figures'] {
  return {
    log: SharedFigures.allocate(LOG_FIGURES),
    fsm: SharedFigures.allocate(FSM_FIGURES),
    inbound: SharedFigures.allocate(INBOUND_FIGURES),
    consensus: SharedFigures.allocate(CONSENSUS_FIGURES),
  }
}

/** The reading side of that memory. */
export class FigureReader {
  readonly #log: ReturnType<typeof logFigures>
  readonly #fsm: ReturnType<typeof fsmFigures>
  readonly #inbound: ReturnType<typeof inboundFigures>
  readonly #consensus: ReturnType<typeof consensusFigures>

  constructor(memory: SharedBlocks['figures']) {
    this.#log = logFigures(memory.log)
    this.#fsm = fsmFigures(memory.fsm)
    this.#inbound = inboundFigures(memory.inbound)
    this.#consensus = consensusFigures(memory.consensus)
  }

  read(): Omit<TroupeFigures, 'replicators' | 'actors'> {
    return {
      log: this.#log.read(),
      fsm: this.#fsm.read(),
      inbound: this.#inbound.read(),
      consensus: this.#consensus.read(),
    }
  }
}
