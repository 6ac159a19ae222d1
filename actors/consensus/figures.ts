import { type FigureShape, type Figures, SharedFigures } from '../../lib/runtime/shared-figures.js'

/** What the consensus actor measures, in ms: how late each tick came, which is how late its thread was. */
export const CONSENSUS_FIGURES: FigureShape<never, 'loopDelayMs'> = {
  numbers: [],
  histograms: { loopDelayMs: 1 / 4 },
}

export type ConsensusFigures = Figures<never, 'loopDelayMs'>
export type ConsensusCounts = SharedFigures<never, 'loopDelayMs'>

export function consensusFigures(memory?: SharedArrayBuffer): ConsensusCounts {
  return new SharedFigures(CONSENSUS_FIGURES, memory)
}
