/** What happened, for the report of a run. */
export interface ClusterTotals {
  proposed: number
  acknowledged: number
  unknown: number
  rejected: number
  reads: number
  leaseReads: number
  transfers: number
  changes: number
  refusedChanges: number
  removals: number
  wipes: number
  installs: number
  crashes: number
  crashesThatLostWrites: number
  restarts: number
  failures: number
}

export function noTotals(): ClusterTotals {
  return {
    proposed: 0,
    acknowledged: 0,
    unknown: 0,
    rejected: 0,
    reads: 0,
    leaseReads: 0,
    transfers: 0,
    changes: 0,
    refusedChanges: 0,
    removals: 0,
    wipes: 0,
    installs: 0,
    crashes: 0,
    crashesThatLostWrites: 0,
    restarts: 0,
    failures: 0,
  }
}
