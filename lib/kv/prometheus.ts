import { notAvailable } from '../node/failures.js'

/**
 * Metrics of a node for prom-client.
 * @throws RaftError RAFT_NOT_AVAILABLE: of a later release.
 */
export function prometheusMetrics(..._: readonly unknown[]): never {
  throw notAvailable('prometheusMetrics')
}
