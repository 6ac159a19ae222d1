import type { Input } from '../../../lib/core/inputs.js'
import type { MemberChange } from '../../../lib/core/membership.js'
import type { NodeId } from '../../../lib/core/types.js'
import type { SeededRandom } from '../../helpers/seeded-random.js'

/** A change of members that somebody might ask for; many of them are refused. */
export function anyChange(random: SeededRandom, names: readonly NodeId[], id: number): Input {
  const prevIndex = random.next() < 0.05 ? 1 + random.below(50) : 0
  return { kind: 'changeMembers', id, change: draw(random, names), prevIndex }
}

function draw(random: SeededRandom, names: readonly NodeId[]): MemberChange {
  const peer = names[random.below(names.length)] as NodeId
  const server = { id: peer, address: `${peer}:1` }
  const chance = random.next()
  if (chance < 0.35) return { kind: 'addVoter', server, immediate: random.next() < 0.3 }
  if (chance < 0.45) return { kind: 'addNonvoter', server }
  if (chance < 0.55) return { kind: 'demoteVoter', peer }
  if (chance < 0.75) return { kind: 'removeServer', peer }
  if (chance < 0.8) return { kind: 'updateServer', peer, meta: { drawn: String(id(random)) } }
  const chosen = names.filter(() => random.next() < 0.6)
  const servers = chosen.map((id) => ({
    id,
    address: `${id}:1`,
    suffrage: random.next() < 0.85 ? ('voter' as const) : ('nonvoter' as const),
  }))
  return { kind: 'reconfigure', servers }
}

function id(random: SeededRandom): number {
  return random.below(1000)
}
