import type { CoreConfig, CoreState } from './core-state.js'

/**
 * The options were changed while the node runs. Timers that run follow at once: whoever waits for a leader
 * or for votes waits anew by the new timeouts, and never longer than it would have where they are shorter.
 */
export function onReload(state: CoreState, now: number, config: CoreConfig): void {
  const before = state.config
  state.config = config
  if (state.leading !== null) {
    // The replicators follow a moment later: until they do, the quorum is judged by the longer lease.
    const leaseMs = Math.max(before.leaderLeaseTimeoutMs, config.leaderLeaseTimeoutMs)
    state.leading.quorumDueAt = now + leaseMs
    return
  }
  if (state.role === 'follower') {
    const { heartbeatTimeoutMs } = config
    if (heartbeatTimeoutMs === before.heartbeatTimeoutMs) return
    const deadline = state.randomTimeout(heartbeatTimeoutMs)
    state.electionDeadline =
      heartbeatTimeoutMs < before.heartbeatTimeoutMs
        ? Math.min(state.electionDeadline, now + deadline)
        : Math.max(state.electionDeadline, (state.lastContactAt ?? now) + deadline)
    return
  }
  if (config.electionTimeoutMs === before.electionTimeoutMs) return
  state.electionDeadline = now + state.randomTimeout(config.electionTimeoutMs)
}
