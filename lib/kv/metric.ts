import type {
  ActorFigures,
  ReplicationFigures,
  SizeFigures,
  TimeFigures,
} from '../node/stats-types.js'
import type { NodeStats } from '../node/types.js'

/** What a metric is, and how one is made of `node.stats()`. */

type Labels = Readonly<Record<string, string>>

/** One line of a metric: its own labels, beside those of the node. */
export interface Sample {
  readonly labels: Labels
  readonly value: number
}

export interface NumberMetric {
  readonly kind: 'counter' | 'gauge'
  /** Behind the prefix. */
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  samples(stats: NodeStats): readonly Sample[]
}

/** Times are told in seconds, the base unit. */
export interface HistogramMetric {
  readonly kind: 'histogram'
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  series(stats: NodeStats): readonly (readonly [Labels, TimeFigures | SizeFigures])[]
}

export type Metric = NumberMetric | HistogramMetric

export function gauge(
  name: string,
  help: string,
  value: (stats: NodeStats) => number | null,
): NumberMetric {
  return { kind: 'gauge', name, help, labels: [], samples: (stats) => one(value(stats)) }
}

export function counter(
  name: string,
  help: string,
  value: (stats: NodeStats) => number,
): NumberMetric {
  const samples = (stats: NodeStats) => one(value(stats))
  return { kind: 'counter', name: `${name}_total`, help, labels: [], samples }
}

function one(value: number | null): readonly Sample[] {
  return value === null ? [] : [{ labels: {}, value }]
}

/** One value for each value of a label. */
export function each(
  kind: NumberMetric['kind'],
  name: string,
  help: string,
  label: string,
  values: (stats: NodeStats) => readonly (readonly [string, number])[],
): NumberMetric {
  return {
    kind,
    name: kind === 'counter' ? `${name}_total` : name,
    help,
    labels: [label],
    samples: (stats) => values(stats).map(([of, value]) => ({ labels: { [label]: of }, value })),
  }
}

export function perPeer(
  kind: NumberMetric['kind'],
  name: string,
  help: string,
  value: (to: ReplicationFigures) => number,
): NumberMetric {
  return each(kind, name, help, 'peer', ({ replication }) =>
    replication.map((to) => [to.peer, value(to)]),
  )
}

export function perActor(
  kind: NumberMetric['kind'],
  name: string,
  help: string,
  value: (actor: ActorFigures) => number | null,
): NumberMetric {
  return each(kind, name, help, 'actor', ({ actors }) =>
    actors.flatMap((actor) => {
      const found = value(actor)
      return found === null ? [] : [[actor.name, found] as const]
    }),
  )
}

export function histogram(
  name: string,
  help: string,
  figures: (stats: NodeStats) => TimeFigures | SizeFigures,
): HistogramMetric {
  return { kind: 'histogram', name, help, labels: [], series: (stats) => [[{}, figures(stats)]] }
}

export function peerHistogram(
  name: string,
  help: string,
  figures: (to: ReplicationFigures) => TimeFigures,
): HistogramMetric {
  const series = ({ replication }: NodeStats) =>
    replication.map((to) => [{ peer: to.peer }, figures(to)] as const)
  return { kind: 'histogram', name, help, labels: ['peer'], series }
}
