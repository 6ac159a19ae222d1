import type { ConsensusStatus } from '../../actors/consensus/protocol.js'
import type { SimNode } from './sim-node.js'
import { SafetyViolation } from './violation.js'
import { electorates } from './voters.js'

/** What a message about a node that did not converge says of it. */
export function pictureOf({ id, running }: SimNode, status: ConsensusStatus | undefined): object {
  if (!running || status === undefined) return { id, running }
  const { role, term, leader, commitIndex, lastLogIndex, lastLogTerm } = status
  const { flushedIndex, lastApplied, snapshotIndex, committedConfigurationIndex } = status
  const log = { commitIndex, lastLogIndex, lastLogTerm, flushedIndex, lastApplied, snapshotIndex }
  const { index } = status.configuration
  return { id, role, term, leader, ...log, configuration: [committedConfigurationIndex, index] }
}

/** Whatever batch two of them hold at an index is the same, byte by byte. @throws SafetyViolation */
export function compareDisks(nodes: readonly SimNode[]): void {
  const byIndex = new Map<number, string>()
  for (const { id, disk } of nodes) {
    for (const { firstIndex, bytes } of disk.durableBatches()) {
      const found = Buffer.from(bytes).toString('base64')
      if ((byIndex.get(firstIndex) ?? found) !== found) {
        throw new SafetyViolation('log matching', `${id} has another batch at ${firstIndex}`)
      }
      byIndex.set(firstIndex, found)
    }
  }
}

/** In the smaller half where the configuration is joint. */
export function votersOf({ configuration }: ConsensusStatus): number {
  return Math.min(...electorates(configuration.configuration).map((ids) => ids.length))
}
