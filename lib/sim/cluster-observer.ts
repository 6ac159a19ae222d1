import type { ClusterTotals } from './cluster-totals.js'
import type { ClusterView } from './cluster-view.js'
import type { SimCluster } from './sim-cluster.js'
import type { ProgramObserver } from './sim-program.js'

/** What the programs of a cluster tell, for its totals and its checks. */
export function clusterObserver(
  cluster: SimCluster,
  view: ClusterView,
  guard: (check: () => void) => void,
): ProgramObserver {
  const { clients } = cluster
  const totals: ClusterTotals = cluster.totals
  return {
    proposed: (_node, command) => {
      totals.proposed++
      clients.proposed(command, cluster.now)
    },
    answered: (command, result) => guard(() => clients.answered(command, result, cluster.now)),
    saw: (reading) => clients.saw(reading),
    acknowledged: (node, command, index) => {
      totals.operations++
      guard(() => clients.acknowledge(node, command, index))
    },
    failed: (node, command, outcome) => {
      if (outcome === 'rejected') {
        totals.rejected++
        guard(() => clients.refused(node, command))
      } else if (outcome === 'unknown') totals.unknownOutcomes++
      else totals.lostResults++
    },
    status: (node, status) => view.told(node, status),
    readBegins: () => clients.known,
    leaseBegins: () => cluster.checks.newestCommittingTerm,
    leaseGiven: (node, newestTerm) => guard(() => cluster.checks.leaseGiven(node, newestTerm)),
    readEnded: (node, what, floor, seen) => {
      totals.reads++
      if (what === 'lease read') {
        totals.leaseReads++
        if (cluster.skewed) totals.leaseReadsUnderSkew++
      }
      guard(() => clients.read(node, what, floor, seen))
    },
    transferred: () => {
      totals.transfers++
    },
    changed: (reason) => {
      cluster.operator.changed()
      if (reason === null) totals.membershipChanges++
      else totals.refusedChanges++
    },
    removed: (node) => cluster.removed(node),
    installed: () => {
      totals.installs++
    },
  }
}
