import { Prng } from '../runtime/prng.js'

/** How often each kind of trouble comes, as mean virtual ms between two; 0: never. */
export interface Profile {
  /** One machine loses power. */
  readonly crashEveryMs: number
  /** Longest time for which a machine is down. */
  readonly downMs: number
  /** All machines lose power at one moment. */
  readonly outageEveryMs: number
  readonly partitionEveryMs: number
  /** The leader is cut off, in one direction or both, mostly after its acknowledgements came late. */
  readonly isolateLeaderEveryMs: number
  /**
   * One leader at a time, always so that it may think for long that it leads, and some nonvoters with it: one is
   * elected meanwhile, and commits.
   */
  readonly isolateDeceived: boolean
  /** The old and the new voters are torn apart while a configuration is joint. */
  readonly splitJointEveryMs: number
  readonly oneWayCutEveryMs: number
  /** Nothing is replicated between two or more while heartbeats live. */
  readonly dataCutEveryMs: number
  readonly resetEveryMs: number
  readonly slowLinkEveryMs: number
  /** Frames are lost, doubled and reordered at random. */
  readonly noisyNetwork: boolean
  /** One actor hangs. */
  readonly actorStallEveryMs: number
  /** One actor fails: most are restarted by their supervisor, the log and consensus actors end their node. */
  readonly actorFailureEveryMs: number
  /** A whole process is held (SIGSTOP). */
  readonly pauseEveryMs: number
  /** A disk takes no more batches for a while. */
  readonly diskFullEveryMs: number
  /** A flush fails, which ends the node. */
  readonly flushErrorEveryMs: number
  /** The members of the cluster change. */
  readonly changeEveryMs: number
  /** A state machine throws, or is slow. */
  readonly machineFaultEveryMs: number
  /** One clock runs as slow as the rules allow, the others as fast. */
  readonly extremeClocks: boolean
  /** How wrong wall clocks may be. */
  readonly wallClockErrorMs: number
  /** One machine's disks are lost, or a bit of what they hold is flipped: it must be replaced. */
  readonly ruinEveryMs: number
  /** A voter loses its disks and comes back among those who lack what it acknowledged (S16). */
  readonly wipeVoterEveryMs: number
  /** A leader hands over. */
  readonly transferEveryMs: number
  /** Each program reads. */
  readonly readEveryMs: number
}

const calm: Profile = {
  crashEveryMs: 0,
  downMs: 4000,
  outageEveryMs: 0,
  partitionEveryMs: 0,
  isolateLeaderEveryMs: 0,
  isolateDeceived: false,
  splitJointEveryMs: 0,
  oneWayCutEveryMs: 0,
  dataCutEveryMs: 0,
  resetEveryMs: 0,
  slowLinkEveryMs: 0,
  noisyNetwork: false,
  actorStallEveryMs: 0,
  actorFailureEveryMs: 0,
  pauseEveryMs: 0,
  diskFullEveryMs: 0,
  flushErrorEveryMs: 0,
  changeEveryMs: 0,
  ruinEveryMs: 0,
  wipeVoterEveryMs: 0,
  machineFaultEveryMs: 0,
  extremeClocks: false,
  wallClockErrorMs: 0,
  transferEveryMs: 0,
  readEveryMs: 250,
}

/** How often each kind of trouble comes, by name. */
export const profiles = {
  /** Everything at once. */
  mixed: {
    ...calm,
    crashEveryMs: 5000,
    outageEveryMs: 20_000,
    partitionEveryMs: 5000,
    isolateLeaderEveryMs: 8000,
    oneWayCutEveryMs: 7000,
    dataCutEveryMs: 9000,
    resetEveryMs: 1500,
    slowLinkEveryMs: 8000,
    noisyNetwork: true,
    actorStallEveryMs: 2000,
    actorFailureEveryMs: 3000,
    pauseEveryMs: 10_000,
    diskFullEveryMs: 15_000,
    flushErrorEveryMs: 30_000,
    changeEveryMs: 6000,
    ruinEveryMs: 25_000,
    machineFaultEveryMs: 6000,
    wallClockErrorMs: 300,
    transferEveryMs: 5000,
  },
  calm,
  crashes: { ...calm, crashEveryMs: 1500, outageEveryMs: 8000 },
  network: {
    ...calm,
    partitionEveryMs: 2000,
    oneWayCutEveryMs: 2000,
    dataCutEveryMs: 4000,
    resetEveryMs: 500,
    slowLinkEveryMs: 3000,
    noisyNetwork: true,
    transferEveryMs: 4000,
  },
  stalls: { ...calm, actorStallEveryMs: 300, pauseEveryMs: 4000 },
  /** Deposed leaders that may not know it yet, asked for leases all the time. */
  leases: {
    ...calm,
    crashEveryMs: 2000,
    downMs: 100,
    isolateLeaderEveryMs: 600,
    oneWayCutEveryMs: 1000,
    slowLinkEveryMs: 1000,
    transferEveryMs: 500,
    readEveryMs: 20,
  },
  /** The same, mostly in terms in which no TimeoutNow was sent, with nonvoters that stay at the leader's side. */
  deceived: {
    ...calm,
    crashEveryMs: 2000,
    downMs: 100,
    isolateLeaderEveryMs: 1500,
    isolateDeceived: true,
    oneWayCutEveryMs: 1000,
    slowLinkEveryMs: 1000,
    changeEveryMs: 4000,
    transferEveryMs: 6000,
    readEveryMs: 20,
    extremeClocks: true,
  },
  actors: {
    ...calm,
    actorFailureEveryMs: 400,
    actorStallEveryMs: 2000,
    machineFaultEveryMs: 1500,
    transferEveryMs: 3000,
  },
  members: {
    ...calm,
    changeEveryMs: 1000,
    splitJointEveryMs: 6000,
    crashEveryMs: 4000,
    isolateLeaderEveryMs: 4000,
    partitionEveryMs: 6000,
    ruinEveryMs: 15_000,
    wipeVoterEveryMs: 8000,
    transferEveryMs: 5000,
    noisyNetwork: true,
  },
  disks: {
    ...calm,
    ruinEveryMs: 12_000,
    wipeVoterEveryMs: 8000,
    crashEveryMs: 3000,
    outageEveryMs: 15_000,
    actorStallEveryMs: 3000,
    diskFullEveryMs: 4000,
    flushErrorEveryMs: 6000,
  },
} as const satisfies Record<string, Profile>

/** A profile by name. `swarm` draws one for each seed, `all` goes round them. */
export type ProfileName = keyof typeof profiles | 'swarm' | 'all'

export const profileNames: readonly ProfileName[] = [
  'all',
  'swarm',
  ...(Object.keys(profiles) as (keyof typeof profiles)[]),
]

/** `all` goes round these: what mixes faults comes more often than what isolates one kind. */
const ROUND: readonly ProfileName[] = [
  'mixed',
  'crashes',
  'swarm',
  'leases',
  'network',
  'swarm',
  'disks',
  'members',
  'actors',
  'deceived',
  'stalls',
  'members',
  'mixed',
]

/** Separates what is drawn for the profile from the scheduler's own chance. */
const SWARM_SALT = 0x5eed

/** What the seed's run is like. `swarm`: each kind of trouble is there or not, mild or severe. */
export function profileFor(name: ProfileName, seed: number): Profile {
  if (name === 'all') return profileFor(ROUND[seed % ROUND.length] ?? 'mixed', seed)
  return name === 'swarm' ? swarm(new Prng(seed ^ SWARM_SALT)) : profiles[name]
}

function swarm(prng: Prng): Profile {
  const drawn: Record<string, number | boolean> = { ...profiles.mixed }
  for (const [kind, value] of Object.entries(profiles.mixed)) {
    if (value === 0 || value === false) continue
    const there = prng.chance(0.5)
    if (typeof value === 'boolean') drawn[kind] = there
    else if (kind.endsWith('EveryMs') && kind !== 'readEveryMs') {
      drawn[kind] = there ? value * (0.1 + prng.random() * 1.4) : 0
    }
  }
  return { ...profiles.mixed, ...drawn, downMs: 100 + prng.random() * 8000 }
}
