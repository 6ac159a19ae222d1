import { membersBugs } from './members.js'
import { memoryBugs } from './memory.js'
import type { PlantedBug } from './planted-bug.js'
import { readsBugs } from './reads.js'
import { replicationBugs } from './replication.js'
import { snapshotsBugs } from './snapshots.js'
import { votesBugs } from './votes.js'

export type { Edit, PlantedBug } from './planted-bug.js'

export const plantedBugs: readonly PlantedBug[] = [
  ...votesBugs,
  ...replicationBugs,
  ...snapshotsBugs,
  ...readsBugs,
  ...memoryBugs,
  ...membersBugs,
]
