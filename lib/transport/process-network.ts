import type { ActorContext } from '../runtime/actor.js'
import { AcceptedConnection } from './accepted-connection.js'
import type { Courier } from './courier.js'
import { DialledConnection } from './dialled-connection.js'
import { TransportError } from './errors.js'
import { ProcessPipe } from './process-pipe.js'
import type {
  Channel,
  ChannelHandler,
  Hello,
  Listener,
  ListenHandler,
  Purpose,
  Transport,
  TransportLimits,
} from './transport.js'

interface Listening {
  readonly handler: ListenHandler
  readonly context: ActorContext
  readonly limits: TransportLimits
}

/**
 * Listeners and connections of nodes in one process. The bytes are those of TCP, frame for frame; what
 * lies between the ends is the courier's matter.
 */
export class ProcessNetwork {
  readonly #courier: Courier
  readonly #listening = new Map<string, Listening>()
  readonly #pipes = new Set<ProcessPipe>()
  #connections = 0

  constructor(courier: Courier) {
    this.#courier = courier
  }

  transport(address: string, limits: TransportLimits, context: ActorContext): Transport {
    return {
      dial: (to, hello, handler) => this.#dial({ address, limits, context }, to, hello, handler),
      listen: (handler) => this.#listen(address, { handler, context, limits }),
    }
  }

  /** Every open end, for a network that breaks things. */
  get pipes(): readonly ProcessPipe[] {
    return [...this.#pipes]
  }

  /** The program at this address is gone, without a word to anyone. */
  crash(address: string): void {
    this.#listening.delete(address)
    for (const pipe of this.pipes) if (pipe.own === address) pipe.abandon()
  }

  #listen(address: string, listening: Listening): Listener {
    if (this.#listening.has(address)) {
      const message = `${address} has a listener already`
      throw Object.assign(new Error(message), { code: 'EADDRINUSE' })
    }
    this.#listening.set(address, listening)
    const accepted = (pipe: ProcessPipe): boolean =>
      pipe.own === address && pipe.name.endsWith(ACCEPTED)
    return {
      address,
      close: () => {
        if (this.#listening.get(address) === listening) this.#listening.delete(address)
        for (const pipe of this.pipes.filter(accepted)) pipe.destroy()
      },
    }
  }

  #dial(
    from: {
      readonly address: string
      readonly limits: TransportLimits
      readonly context: ActorContext
    },
    to: string,
    hello: Hello,
    handler: ChannelHandler,
  ): Channel {
    const number = ++this.#connections
    const ends = { own: from.address, other: to, purpose: hello.purpose }
    const pipe = this.#pipe(`${number}${DIALLED}`, ends, from.context)
    const connection = new DialledConnection(pipe, hello, handler, from.limits, from.context)
    pipe.attach(connection)
    this.#courier.carry({
      kind: 'open',
      from: from.address,
      to,
      lane: pipe,
      bytes: 0,
      arrive: () => this.#arrive(pipe, number),
      lose: () => {},
    })
    return connection.channel
  }

  /** The dial has reached the other side. */
  #arrive(dialled: ProcessPipe, number: number): void {
    const { own: from, other: to, purpose } = dialled
    const listening = this.#listening.get(to)
    const full = listening !== undefined && this.#count(to) >= listening.limits.maxConnections
    if (listening === undefined || full) {
      return this.#answer(dialled, dialled, () => dialled.fail(refused(to)))
    }
    if (dialled.isClosed) return
    const ends = { own: to, other: from, purpose }
    const accepted = this.#pipe(`${number}${ACCEPTED}`, ends, listening.context)
    const { handler, limits, context } = listening
    context.turn(() => {
      accepted.attach(new AcceptedConnection(accepted, from, handler, limits, context))
    })
    accepted.connect(dialled)
    this.#answer(dialled, accepted, () => {
      dialled.connect(accepted)
      // Closed while the dial was under way: the other side learns of it now.
      if (dialled.isClosed) accepted.fail(null)
      else dialled.connected()
    })
  }

  #answer(dialled: ProcessPipe, lane: ProcessPipe, arrive: () => void): void {
    const { own: to, other: from } = dialled
    this.#courier.carry({ kind: 'open', from, to, lane, bytes: 0, arrive, lose: () => {} })
  }

  #count(address: string): number {
    return this.pipes.filter((pipe) => pipe.own === address && pipe.name.endsWith(ACCEPTED)).length
  }

  #pipe(
    name: string,
    ends: { readonly own: string; readonly other: string; readonly purpose: Purpose },
    context: ActorContext,
  ): ProcessPipe {
    const forget = (pipe: ProcessPipe): void => void this.#pipes.delete(pipe)
    const pipe = new ProcessPipe(name, ends, this.#courier, context, forget)
    this.#pipes.add(pipe)
    return pipe
  }
}

/** How the ends of connection 7 are called in traces: `7>` dialled, `7<` accepted. */
const DIALLED = '>'
const ACCEPTED = '<'

function refused(to: string): TransportError {
  const message = `connection refused: nobody listens at ${to}`
  return new TransportError('RAFT_CONNECTION_LOST', message, { code: 'ECONNREFUSED' })
}
