import { createHash } from 'node:crypto'
import { assert } from '../core/assert.js'
import { type Configuration, FIRST_GENERATION, type IndexedConfiguration } from '../core/types.js'
import type { StoredSnapshot } from '../snapshot/store.js'
import { fingerprint } from './bootstrap-list.js'
import { RaftError } from './errors.js'
import type { OfflineLog } from './offline-log.js'
import { noInitialState, type ResolvedOffline } from './offline-options.js'

export interface RecoveryPlan {
  readonly lastIndex: number
  readonly lastTerm: number
  /** What the replay begins with. */
  readonly base: StoredSnapshot | null
  readonly before: Configuration
  readonly after: IndexedConfiguration
  readonly already: boolean
}

/** What a recovery will do, from what there is. */
export function planRecovery(
  { servers }: ResolvedOffline,
  log: OfflineLog,
  newest: StoredSnapshot | null,
): RecoveryPlan {
  const { summary } = log
  const fromLog = log.follows(newest)
  // S13: a snapshot ahead of the log, or in conflict with it, wins.
  const last =
    fromLog || newest === null ? { index: summary.lastIndex, term: summary.lastTerm } : newest
  if (last.index === 0) throw noInitialState('it has no entry and no snapshot')
  const known = [...(newest === null ? [] : [newest.configuration])]
  if (fromLog || newest === null) {
    const newestIndex = known[0]?.index ?? -1
    known.push(...summary.configurations.filter(({ index }) => index > newestIndex))
  }
  const before = known.at(-1)?.configuration ?? { servers: [] }
  refuseStrangers(servers, before)
  // What the members were told of each other stays: where a service is reached, for example.
  const told = new Map(before.servers.map(({ id, meta }) => [id, meta]))
  const forced = servers.map((server) => {
    const meta = server.meta ?? told.get(server.id)
    return { ...server, addedAt: last.index, ...(meta !== undefined && { meta }) }
  })
  const digest = createHash('sha256').update(fingerprint(servers)).digest('hex').slice(0, 16)
  const already =
    newest?.restored === true &&
    newest.index === last.index &&
    newest.configuration.index === newest.index &&
    before.generation?.endsWith(`-${digest}`) === true
  const number = Number.parseInt(before.generation ?? FIRST_GENERATION, 10)
  assert(Number.isSafeInteger(number), 'a generation begins with its number', {
    generation: before.generation,
  })
  const generation = already ? before.generation : `${number + 1}-${digest}`
  const after = { index: last.index, configuration: { servers: forced, generation } }
  return { lastIndex: last.index, lastTerm: last.term, base: newest, before, after, already }
}

/** S16: an empty node votes only once a leader has spoken to it, so a majority of them elects nobody. */
function refuseStrangers(servers: ResolvedOffline['servers'], before: Configuration): void {
  const known = new Set(before.servers.map(({ id }) => id))
  const voters = servers.filter(({ suffrage }) => suffrage === 'voter').map(({ id }) => id)
  const strangers = voters.filter((id) => !known.has(id))
  if (strangers.length * 2 < voters.length) return
  throw new RaftError(
    'RAFT_CONFIG_INVALID',
    `servers: ${strangers.join(', ')} were no members and have no data, so they vote for nobody, and the others ` +
      'are no majority without them: give new servers no vote here (nonvoter) and promote them afterwards',
    { outcome: 'rejected', details: { option: 'servers', strangers } },
  )
}
