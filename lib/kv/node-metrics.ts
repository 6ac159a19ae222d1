import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { RaftError } from '../node/errors.js'
import type { SizeFigures, TimeFigures } from '../node/stats-types.js'
import type { NodeStats } from '../node/types.js'
import type { HistogramMetric, NumberMetric } from './metric.js'
import { metrics } from './metric-list.js'

/** What is needed of a node: a RaftNode has it. */
export interface MeasuredNode {
  stats(): NodeStats
  readonly closed: Promise<unknown>
}

type Labels = Readonly<Record<string, string>>

interface Measured {
  readonly labels: Labels
  readonly stats: NodeStats
}

/**
 * The metrics of one or more nodes in one registry. They are there as long as a node is: the first brings them,
 * the last takes them away.
 */
export class NodeMetrics {
  readonly #registry: Registry
  readonly #prefix: string
  readonly #labelNames: readonly string[]
  readonly #nodes = new Map<MeasuredNode, Labels>()
  /** The names that this has registered. */
  readonly #own = new Set<string>()
  /** Of the scrape that is under way: one look at each node serves all its metrics. */
  #reading: readonly Measured[] | null = null

  constructor(registry: Registry, prefix: string, labelNames: readonly string[]) {
    this.#registry = registry
    this.#prefix = prefix
    this.#labelNames = labelNames
  }

  add(node: MeasuredNode, labels: Labels): void {
    if (this.#nodes.has(node)) return
    this.#check(labels)
    if (this.#nodes.size === 0) this.#register()
    this.#nodes.set(node, labels)
  }

  /** True when it was the last. */
  remove(node: MeasuredNode): boolean {
    if (!this.#nodes.delete(node) || this.#nodes.size > 0) return false
    this.#unregister()
    return true
  }

  #check(labels: Labels): void {
    const names = Object.keys(labels)
    const expected = this.#labelNames
    if (names.length !== expected.length || !names.every((name) => expected.includes(name))) {
      throw invalid(`the labels of every node in a registry are ${expected}; found ${names}`)
    }
    for (const others of this.#nodes.values()) {
      if (!names.every((name) => others[name] === labels[name])) continue
      throw invalid(
        `another node in this registry has the same labels (${JSON.stringify(labels)}): give one more that tells them apart`,
      )
    }
  }

  #register(): void {
    try {
      for (const metric of metrics) {
        if (metric.kind === 'histogram') this.#addHistogram(metric)
        else this.#addNumber(metric)
      }
    } catch (error) {
      this.#unregister()
      throw error
    }
  }

  #unregister(): void {
    for (const { name } of metrics) {
      const full = this.#prefix + name
      if (this.#own.has(full)) this.#registry.removeSingleMetric(full)
    }
    this.#own.clear()
  }

  #addNumber(metric: NumberMetric): void {
    const { kind, help, samples } = metric
    const labelNames = [...this.#labelNames, ...metric.labels]
    const name = this.#prefix + metric.name
    const read = () => this.#read()
    const shared = { name, help, labelNames, registers: [this.#registry] }
    if (kind === 'gauge') {
      new Gauge({
        ...shared,
        collect() {
          this.reset()
          for (const { labels, stats } of read()) {
            for (const sample of samples(stats))
              this.set({ ...labels, ...sample.labels }, sample.value)
          }
        },
      })
    } else {
      new Counter({
        ...shared,
        collect() {
          this.reset()
          for (const { labels, stats } of read()) {
            for (const sample of samples(stats))
              this.inc({ ...labels, ...sample.labels }, sample.value)
          }
        },
      })
    }
    this.#own.add(name)
  }

  #addHistogram(metric: HistogramMetric): void {
    const name = this.#prefix + metric.name
    const labelNames = [...this.#labelNames, ...metric.labels]
    const config = { name, help: metric.help, labelNames, registers: [this.#registry] }
    new CountedHistogram(config, () =>
      this.#read().flatMap(({ labels, stats }) =>
        metric.series(stats).map(([own, figures]) => [{ ...labels, ...own }, figures] as const),
      ),
    )
    this.#own.add(name)
  }

  #read(): readonly Measured[] {
    if (this.#reading !== null) return this.#reading
    const reading = [...this.#nodes].map(([node, labels]) => ({ labels, stats: node.stats() }))
    this.#reading = reading
    // The registry asks all its metrics in one go; the next scrape looks again.
    queueMicrotask(() => {
      this.#reading = null
    })
    return reading
  }
}

type HistogramValues = Awaited<ReturnType<Histogram['get']>>

/** A histogram whose buckets are counted elsewhere: it has no observations of its own. */
class CountedHistogram extends Histogram {
  readonly #name: string
  readonly #help: string
  readonly #series: () => readonly (readonly [Labels, TimeFigures | SizeFigures])[]

  constructor(
    config: { readonly name: string; readonly help: string; readonly labelNames: string[] } & {
      readonly registers: Registry[]
    },
    series: () => readonly (readonly [Labels, TimeFigures | SizeFigures])[],
  ) {
    super(config)
    this.#name = config.name
    this.#help = config.help
    this.#series = series
  }

  override async get(): Promise<HistogramValues> {
    const values = this.#series().flatMap(([labels, figures]) => this.#values(labels, figures))
    const about = { name: this.#name, help: this.#help, type: 'histogram', aggregator: 'sum' }
    return { ...about, values } as unknown as HistogramValues
  }

  /** What prom-client asks for text instead of `get`. */
  getForPromString(): Promise<HistogramValues> {
    return this.get()
  }

  #values(labels: Labels, figures: TimeFigures | SizeFigures): HistogramValues['values'] {
    const { count, edges, counts, total } = inBaseUnits(figures)
    const buckets = edges.map((edge, place) => ({
      metricName: `${this.#name}_bucket`,
      labels: { ...labels, le: edge },
      value: counts[place] ?? 0,
    }))
    return [
      ...buckets,
      { metricName: `${this.#name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
      { metricName: `${this.#name}_sum`, labels, value: total },
      { metricName: `${this.#name}_count`, labels, value: count },
    ]
  }
}

function inBaseUnits(figures: TimeFigures | SizeFigures) {
  const { count, buckets } = figures
  const { counts } = buckets
  if (!('totalMs' in figures)) {
    return { count, total: figures.total, edges: figures.buckets.edges, counts }
  }
  const edges = figures.buckets.edgesMs.map((edge) => edge / 1000)
  return { count, total: figures.totalMs / 1000, edges, counts }
}

function invalid(message: string): RaftError {
  return new RaftError('RAFT_CONFIG_INVALID', message)
}
