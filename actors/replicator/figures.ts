import { type FigureShape, type Figures, SharedFigures } from '../../lib/runtime/shared-figures.js'

type Numbers =
  | 'requests'
  | 'entries'
  | 'bytes'
  | 'heartbeats'
  | 'chunks'
  | 'chunkBytes'
  | 'connections'
  | 'inflightRequests'
type Series = 'appendMs' | 'heartbeatMs'

/**
 * What a replicator counts; times in ms. `requests`, `entries`, `bytes`: of AppendEntries sent, so what is
 * sent again counts again. `appendMs`: from a request to its answer. `connections`: how often one was made.
 */
export const REPLICATOR_FIGURES: FigureShape<Numbers, Series> = {
  numbers: [
    'requests',
    'entries',
    'bytes',
    'heartbeats',
    'chunks',
    'chunkBytes',
    'connections',
    'inflightRequests',
  ],
  histograms: { appendMs: 1 / 32, heartbeatMs: 1 / 32 },
}

export type ReplicatorFigures = Figures<Numbers, Series>
export type ReplicatorCounts = SharedFigures<Numbers, Series>

export function replicatorFigures(memory?: SharedArrayBuffer): ReplicatorCounts {
  return new SharedFigures(REPLICATOR_FIGURES, memory)
}
