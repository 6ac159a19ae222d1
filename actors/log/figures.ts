import { type FigureShape, type Figures, SharedFigures } from '../../lib/runtime/shared-figures.js'

type Numbers =
  | 'flushes'
  | 'appendedEntries'
  | 'appendedBatches'
  | 'appendedBytes'
  | 'refusals'
  | 'storeBytes'
type Series = 'flushMs' | 'flushBatches' | 'flushBytes' | 'hardStateMs'

/** What the log actor counts; times in ms. `flushBatches`, `flushBytes`: that one flush made durable. */
export const LOG_FIGURES: FigureShape<Numbers, Series> = {
  numbers: [
    'flushes',
    'appendedEntries',
    'appendedBatches',
    'appendedBytes',
    'refusals',
    'storeBytes',
  ],
  histograms: { flushMs: 1 / 32, flushBatches: 1, flushBytes: 64, hardStateMs: 1 / 32 },
}

export type LogFigures = Figures<Numbers, Series>

export function logFigures(memory?: SharedArrayBuffer): SharedFigures<Numbers, Series> {
  return new SharedFigures(LOG_FIGURES, memory)
}
