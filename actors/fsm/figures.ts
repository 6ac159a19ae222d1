import { type FigureShape, type Figures, SharedFigures } from '../../lib/runtime/shared-figures.js'

type Numbers = 'appliedEntries' | 'queries' | 'snapshots' | 'restores' | 'restoredBytes'
type Series = 'applyMs' | 'applyEntries' | 'queryMs' | 'snapshotMs' | 'restoreMs'

/**
 * What the FSM actor counts; times in ms. `applyMs`, `applyEntries`: of what it was given at once, one apply
 * message. `snapshotMs`: from the capture until it is durable.
 */
export const FSM_FIGURES: FigureShape<Numbers, Series> = {
  numbers: ['appliedEntries', 'queries', 'snapshots', 'restores', 'restoredBytes'],
  histograms: {
    applyMs: 1 / 32,
    applyEntries: 1,
    queryMs: 1 / 32,
    snapshotMs: 1 / 32,
    restoreMs: 1 / 32,
  },
}

export type FsmFigures = Figures<Numbers, Series>

export function fsmFigures(memory?: SharedArrayBuffer): SharedFigures<Numbers, Series> {
  return new SharedFigures(FSM_FIGURES, memory)
}
