/** Metrics for Prometheus: `troupe/prometheus`. The one part of the package that needs prom-client. */

import type { Registry } from 'prom-client'
import { RaftError } from '../node/errors.js'
import { type MeasuredNode, NodeMetrics } from './node-metrics.js'

export type { MeasuredNode }

/** Where the metrics of a node go, and under which labels. */
/** Where the metrics of a node go, and what tells them from others. */
export interface TroupeMetricsOptions {
  /** Where the metrics go, e.g. `register` of your prom-client. */
  readonly registry: Registry
  /** Of every name. Default `troupe_`. */
  readonly prefix?: string
  /**
   * Added to every line, beside `cluster` and `node`. All nodes in one registry, under one prefix, must give the
   * same names.
   */
  readonly labels?: Readonly<Record<string, string>>
}

/** By registry and prefix: nodes that share them share the metrics, and are told apart by their labels. */
const known = new WeakMap<Registry, Map<string, NodeMetrics>>()

/**
 * Puts the metrics of a node into a registry of prom-client; they are gathered when it is scraped. Once the node
 * has closed, or the function that this returns is called, they are taken out again. The same node twice is
 * the same as once.
 * @throws RaftError RAFT_CONFIG_INVALID when the labels are those of another node, or have other names than
 * those of the others; an Error of prom-client when something else in the registry has one of the names.
 */
export function troupeMetrics(node: MeasuredNode, options: TroupeMetricsOptions): () => void {
  const { registry, prefix = 'troupe_' } = options
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(prefix)) throw invalidPrefix(prefix)
  const { cluster, id } = node.stats()
  const labels = { ...options.labels, cluster, node: id }
  const byPrefix = known.get(registry) ?? new Map<string, NodeMetrics>()
  known.set(registry, byPrefix)
  const metrics = byPrefix.get(prefix) ?? new NodeMetrics(registry, prefix, Object.keys(labels))
  metrics.add(node, labels)
  byPrefix.set(prefix, metrics)
  const release = () => {
    if (metrics.remove(node) && byPrefix.get(prefix) === metrics) byPrefix.delete(prefix)
  }
  void node.closed.then(release)
  return release
}

function invalidPrefix(prefix: string): RaftError {
  const message = `a prefix of metrics has letters, digits, _ and :, and begins with no digit; found "${prefix}"`
  return new RaftError('RAFT_CONFIG_INVALID', message, { details: { prefix } })
}
