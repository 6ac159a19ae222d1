import { type FigureShape, type Figures, SharedFigures } from '../../lib/runtime/shared-figures.js'

type Numbers =
  | 'connections'
  | 'refusals'
  | 'heartbeats'
  | 'heartbeatsAnswered'
  | 'votesAsked'
  | 'requests'
  | 'entries'
  | 'bytes'
  | 'chunks'
  | 'chunkBytes'
  | 'forwards'
  | 'pauses'

/**
 * What the inbound actor counts. `connections`: open now. `heartbeatsAnswered`: without asking consensus (S9).
 * `requests`, `entries`, `bytes`: of AppendEntries. `pauses`: a peer had to wait because too much of it
 * was not answered yet.
 */
export const INBOUND_FIGURES: FigureShape<Numbers, never> = {
  numbers: [
    'connections',
    'refusals',
    'heartbeats',
    'heartbeatsAnswered',
    'votesAsked',
    'requests',
    'entries',
    'bytes',
    'chunks',
    'chunkBytes',
    'forwards',
    'pauses',
  ],
  histograms: {},
}

export type InboundFigures = Figures<Numbers, never>
export type InboundCounts = SharedFigures<Numbers, never>

export function inboundFigures(memory?: SharedArrayBuffer): InboundCounts {
  return new SharedFigures(INBOUND_FIGURES, memory)
}
