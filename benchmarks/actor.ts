import {
  isMainThread,
  MessageChannel,
  type MessagePort,
  Worker,
  workerData,
} from 'node:worker_threads'
import type { ActorContext, ActorRef, Behavior } from '../lib/runtime/actor.js'
import { createActorSystem } from '../lib/runtime/index.js'
import type { Surroundings } from './benchmark.js'
import { amount, type SettingsOf, whole } from './flags.js'
import { median, round } from './statistics.js'

/**
 * What the actor runtime costs on top of postMessage: messages/s with a window of messages in flight,
 * and the round trip of one. Both sides send the same message to another thread and count the same
 * acknowledgements. They are measured in turn, and medians compared, since one noisy second tells nothing.
 */
const flags = {
  /** All rounds together. */
  seconds: amount(5, 0.1, 600),
  /** Messages in flight. */
  window: whole(512, 1, 65_536),
  rounds: whole(5, 1, 100),
}

interface Figure {
  readonly perSecond: number
  readonly roundTripUs: number
}

async function run(
  { seconds, window, rounds }: SettingsOf<typeof flags>,
  { report }: Surroundings,
): Promise<void> {
  const part = seconds / rounds / 4
  const raw: Figure[] = []
  const actors: Figure[] = []
  for (let turn = 0; turn < rounds; turn++) {
    raw.push(await measureRaw(part, window))
    actors.push(await measureActors(part, window))
  }
  report({
    messages_s: Math.round(middle(actors, 'perSecond')),
    raw_messages_s: Math.round(middle(raw, 'perSecond')),
    messages_ratio: round(middle(actors, 'perSecond') / middle(raw, 'perSecond'), 2),
    round_trip_us: round(middle(actors, 'roundTripUs'), 2),
    raw_round_trip_us: round(middle(raw, 'roundTripUs'), 2),
    round_trip_ratio: round(middle(actors, 'roundTripUs') / middle(raw, 'roundTripUs'), 2),
  })
}

function middle(figures: readonly Figure[], key: keyof Figure): number {
  return median(figures.map((figure) => figure[key]))
}

// -- the load: the same on both sides

/** Counts of messages between two acknowledgements: a window is answered in four parts. */
function ackEvery(window: number): number {
  return Math.max(1, Math.floor(window / 4))
}

/** Keeps `window` messages in flight until the time is over, then says how many were acknowledged. */
class Flood {
  readonly #send: (seq: number) => void
  readonly #window: number
  readonly #until: number
  readonly #startedAt = performance.now()
  readonly #done: (perSecond: number) => void
  #sent = 0
  #acked = 0

  constructor(
    window: number,
    seconds: number,
    send: (seq: number) => void,
    done: (perSecond: number) => void,
  ) {
    this.#send = send
    this.#window = window
    this.#until = this.#startedAt + seconds * 1000
    this.#done = done
  }

  fill(): void {
    while (this.#sent - this.#acked < this.#window) this.#send(++this.#sent)
  }

  acked(seq: number): void {
    this.#acked = seq
    const now = performance.now()
    if (now < this.#until) this.fill()
    else this.#done((this.#acked / (now - this.#startedAt)) * 1000)
  }
}

type Load =
  | {
      readonly kind: 'batch'
      readonly seq: number
      readonly firstIndex: number
      readonly term: number
    }
  | { readonly kind: 'ping'; readonly seq: number }

type Answer = { readonly kind: 'ack'; readonly seq: number } | { readonly kind: 'pong' }

function batch(seq: number): Load {
  return { kind: 'batch', seq, firstIndex: seq * 16, term: 3 }
}

// -- postMessage

async function measureRaw(seconds: number, window: number): Promise<Figure> {
  const { port1, port2 } = new MessageChannel()
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { rawEcho: port2, every: ackEvery(window) },
    transferList: [port2],
  })
  let onAck: (seq: number) => void = () => {}
  let onPong: () => void = () => {}
  port1.on('message', (answer: Answer) => {
    if (answer.kind === 'ack') onAck(answer.seq)
    else onPong()
  })
  const ping = (): Promise<void> =>
    new Promise((resolve) => {
      onPong = resolve
      port1.postMessage({ kind: 'ping', seq: 0 })
    })
  await ping()
  const perSecond = await new Promise<number>((resolve) => {
    const flood = new Flood(window, seconds, (seq) => port1.postMessage(batch(seq)), resolve)
    onAck = (seq) => flood.acked(seq)
    flood.fill()
  })
  const roundTripUs = await new Promise<number>((resolve) => {
    const volley = new Volley(seconds, () => port1.postMessage({ kind: 'ping', seq: 0 }), resolve)
    onPong = () => volley.back()
    volley.start()
  })
  port1.close()
  await new Promise((resolve) => worker.once('exit', resolve))
  return { perSecond, roundTripUs }
}

/** One message at a time, there and back. */
class Volley {
  readonly #send: () => void
  readonly #done: (roundTripUs: number) => void
  readonly #startedAt = performance.now()
  readonly #until: number
  #trips = 0

  constructor(seconds: number, send: () => void, done: (roundTripUs: number) => void) {
    this.#send = send
    this.#done = done
    this.#until = this.#startedAt + seconds * 1000
  }

  start(): void {
    this.#send()
  }

  back(): void {
    this.#trips++
    const now = performance.now()
    if (now < this.#until) this.#send()
    else this.#done(((now - this.#startedAt) / this.#trips) * 1000)
  }
}

function echo(port: MessagePort, every: number): void {
  port.on('message', (message: Load) => {
    if (message.kind === 'ping') port.postMessage({ kind: 'pong' })
    else if (message.seq % every === 0) port.postMessage({ kind: 'ack', seq: message.seq })
  })
}

// -- actors

async function measureActors(seconds: number, window: number): Promise<Figure> {
  const system = createActorSystem()
  const source = new Source()
  const module = new URL(import.meta.url)
  const near = await system.spawn({
    name: 'source',
    module,
    create: () => source,
    init: null,
    placement: 'inline',
  })
  const far = await system.spawn({
    name: 'sink',
    module,
    create: createActor,
    init: { every: ackEvery(window) },
    placement: 'thread',
    mailbox: { maxMessages: window * 2 },
  })
  system.link(far, 'source', near)
  system.link(near, 'sink', far)
  await source.ready
  const perSecond = await source.flood(window, seconds)
  const roundTripUs = await source.volley(seconds)
  await system.close()
  return { perSecond, roundTripUs }
}

/** On this thread: sends the load and counts what comes back. */
class Source implements Behavior<Answer> {
  readonly ready: Promise<void>
  #becomeReady: () => void = () => {}
  #sink: ActorRef | null = null
  #flood: Flood | null = null
  #volley: Volley | null = null

  constructor() {
    this.ready = new Promise((resolve) => {
      this.#becomeReady = resolve
    })
  }

  linked(_name: string, ref: ActorRef): void {
    this.#sink = ref
    this.#becomeReady()
  }

  receive(answer: Answer): void {
    if (answer.kind === 'ack') this.#flood?.acked(answer.seq)
    else this.#volley?.back()
  }

  flood(window: number, seconds: number): Promise<number> {
    return new Promise((resolve) => {
      this.#flood = new Flood(window, seconds, (seq) => this.#tell(batch(seq)), resolve)
      this.#flood.fill()
    })
  }

  volley(seconds: number): Promise<number> {
    return new Promise((resolve) => {
      this.#volley = new Volley(seconds, () => this.#tell({ kind: 'ping', seq: 0 }), resolve)
      this.#volley.start()
    })
  }

  #tell(message: Load): void {
    this.#sink?.tell(message)
  }
}

/** On a thread of its own: answers as the raw echo does. */
class Sink implements Behavior<Load> {
  readonly #every: number
  #source: ActorRef | null = null

  constructor(every: number) {
    this.#every = every
  }

  linked(_name: string, ref: ActorRef): void {
    this.#source = ref
  }

  receive(message: Load): void {
    if (message.kind === 'ping') this.#source?.tell({ kind: 'pong' })
    else if (message.seq % this.#every === 0) {
      const ack: Answer = { kind: 'ack', seq: message.seq }
      this.#source?.tell(ack)
    }
  }
}

export function createActor(init: { readonly every: number }, _context: ActorContext): Sink {
  return new Sink(init.every)
}

export const benchmark = { flags, run }

if (!isMainThread && workerData?.rawEcho !== undefined) {
  echo(workerData.rawEcho as MessagePort, workerData.every as number)
}
