import { FEATURES } from '../../lib/core/features.js'
import type { Input } from '../../lib/core/inputs.js'
import { RaftCore } from '../../lib/core/raft-core.js'
import { LogTail } from '../../lib/log/log-tail.js'
import type { ActorContext } from '../../lib/runtime/actor.js'
import { SharedWords } from '../../lib/runtime/shared-words.js'
import { AppendReceiver } from './append-receiver.js'
import { ApplyFeed } from './apply-feed.js'
import type { ConsensusInit } from './consensus-init.js'
import { ContactWatch } from './contact-watch.js'
import { ControlBlockWriter } from './control-block.js'
import { EffectRunner } from './effect-runner.js'
import { FeatureBoard } from './feature-board.js'
import { consensusFigures } from './figures.js'
import { FlushClock } from './flush-clock.js'
import { FollowerFeeds } from './follower-feeds.js'
import { IncomingSnapshots } from './incoming-snapshots.js'
import { LagMeter } from './lag-meter.js'
import { LeaderBoardWriter } from './leader-board.js'
import { Links } from './links.js'
import { LogReader } from './log-reader.js'
import { OutgoingSnapshots } from './outgoing-snapshots.js'
import { PeerDesk } from './peer-desk.js'
import { Proposals } from './proposals.js'
import { LiveSettings } from './settings.js'
import { SnapshotDesk } from './snapshot-desk.js'
import { StatusPublisher } from './status-publisher.js'
import { Stepper } from './stepper.js'

/** What the consensus actor is made of; the dispatchers and the actor itself share these. */
export interface Parts {
  readonly init: ConsensusInit
  readonly context: ActorContext
  readonly core: RaftCore
  readonly links: Links
  readonly tail: LogTail
  readonly reader: LogReader
  readonly feeds: FollowerFeeds
  readonly apply: ApplyFeed
  readonly proposals: Proposals
  readonly snapshots: SnapshotDesk
  readonly outgoing: OutgoingSnapshots
  readonly incoming: IncomingSnapshots
  readonly peers: PeerDesk
  readonly control: ControlBlockWriter
  readonly board: LeaderBoardWriter
  readonly flushClock: FlushClock
  readonly lag: LagMeter
  readonly settings: LiveSettings
  readonly contacts: ContactWatch
  readonly effects: EffectRunner
  readonly stepper: Stepper
  readonly appends: AppendReceiver
  readonly status: StatusPublisher
}

/** Makes the parts and introduces them to each other. */
export function createParts(init: ConsensusInit, context: ActorContext): Parts {
  const core = createCore(init, context)
  const { snapshots: policy, tickMs, maxApplyBytes, maxApplyLagBytes } = init
  const bounds = { tickMs, maxApplyBytes, maxApplyLagBytes }
  const settings = new LiveSettings({ core: init.core, snapshots: policy, ...bounds })
  const links = new Links()
  const tail = new LogTail(init.tailMaxBytes)
  const reader = new LogReader(() => links.log, tail, init.maxReadBytes)
  const proposals = new Proposals(() => links.node)
  const feeds = new FollowerFeeds({
    tail,
    reader,
    term: () => core.status().term,
    baseIndex: () => core.status().baseIndex,
    lastIndex: () => core.status().lastLogIndex,
  })
  const apply = new ApplyFeed({
    tail,
    reader,
    maxBytes: () => settings.now.maxApplyBytes,
    resultsFrom: () => proposals.firstIndex,
  })
  const snapshots = new SnapshotDesk({
    context,
    links,
    feed: apply,
    policy,
    configurations: () => core.configurations(),
  })
  const control = new ControlBlockWriter(new SharedWords(init.controlBlock))
  const board = new LeaderBoardWriter(new SharedWords(init.leaderBoard))
  const [flushClock, lag] = [new FlushClock(), new LagMeter()]
  const shared = { context, links, tail, feeds, apply, proposals, board, control, flushClock, lag }
  const effects = new EffectRunner({
    ...shared,
    self: init.nodeId,
    core: () => core,
    lastTime: init.lastTime,
    onMembers: (configuration, committed) => peers.members(configuration, committed),
  })
  const stepper = new Stepper({ context, core, control, effects })
  const step = (input: Input): void => stepper.step(input)
  const appends = new AppendReceiver({ core, effects, tail, step })
  const figures = consensusFigures(init.figures)
  const contacts = new ContactWatch({
    tell: (event) => effects.event(event),
    measured: (delayMs) => figures.record('loopDelayMs', delayMs),
    warn: (fields, message) => context.log.warn(fields, message),
  })
  const features = new FeatureBoard(init.nodeId, init.features ?? FEATURES)
  const status = new StatusPublisher({
    ...{ context, core, apply, control, links, lag, contacts },
    features,
  })
  const peers = new PeerDesk({
    context,
    self: init.nodeId,
    core,
    links,
    feeds,
    effects,
    step,
    incarnations: init.incarnations,
    mayVote: init.mayVote,
    features,
  })
  const { snapshotChunkBytes: chunkBytes, maxInstallLogBytes: maxLogBytes } = init.snapshots
  const outgoing = new OutgoingSnapshots({
    context,
    links,
    lag,
    chunkBytes,
    maxLogBytes,
    deflate: () => features.usable(core.status().configuration).includes('deflatedChunks'),
    unreadable: (meta, reason) => {
      effects.snapshotFailed(meta, reason)
      // A new snapshot is what helps (hashicorp/raft issue 522).
      snapshots.force()
    },
    sent: ({ index, term }) => effects.snapshotEvent(index, term, 'sent'),
  })
  const incoming = new IncomingSnapshots({
    context,
    links,
    failed: (meta, reason) => effects.snapshotFailed(meta, reason),
    progress: (done, total) => effects.event({ kind: 'progress', what: 'install', done, total }),
  })
  const traffic = { outgoing, incoming }
  const rest = {
    init,
    core,
    reader,
    snapshots,
    ...traffic,
    effects,
    stepper,
    appends,
    status,
    peers,
    settings,
    contacts,
  }
  return { ...shared, ...rest }
}

function createCore(init: ConsensusInit, context: ActorContext): RaftCore {
  const { incarnation, hardState, log, snapshot, incarnations, mayVote } = init
  const known = Object.entries(incarnations).map(([id, { incarnation }]) => [id, incarnation])
  const found = { incarnation, hardState, log, snapshot, mayVote }
  const chance = { now: context.now(), random: () => context.random() }
  const core = new RaftCore({
    id: init.nodeId,
    config: init.core,
    ...found,
    ...chance,
    incarnations: Object.fromEntries(known),
  })
  init.observeCore?.(core)
  return core
}
