/** What happened, for the report of a run. */
export type ClusterTotals = ReturnType<typeof noTotals>

export function noTotals() {
  return {
    /** Commands that programs asked for. */
    proposed: 0,
    /** Commands acknowledged to programs: committed and applied. */
    operations: 0,
    unknownOutcomes: 0,
    rejected: 0,
    /** Applied, and the answer went down with a state machine. */
    lostResults: 0,
    sessions: 0,
    sessionCommands: 0,
    repeatedCommands: 0,
    expiredSessions: 0,
    reads: 0,
    leaseReads: 0,
    leaseReadsUnderSkew: 0,
    transfers: 0,
    membershipChanges: 0,
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
