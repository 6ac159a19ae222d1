import type { Purpose } from './transport.js'

/** What is on its way through an in-process network. */
export interface Parcel {
  readonly kind: 'open' | 'handshake' | 'data' | 'close'
  readonly from: string
  readonly to: string
  /** Parcels of one lane (one direction of one connection) keep their order. */
  readonly lane: Lane
  readonly bytes: number
  /** It has crossed. May be called again: a duplicate. */
  arrive(): void
  /** It never will; called instead of `arrive`. */
  lose(): void
}

/** One direction of one connection. */
export interface Lane {
  readonly name: string
  /** What its connection was dialled for. */
  readonly purpose: Purpose
  /** The connection breaks with an error on the sending side, and on the other when it hears of it. */
  reset(): void
}

/** Decides when parcels cross the network, and whether. */
export interface Courier {
  carry(parcel: Parcel): void
  /** Runs `callback` outside any turn, shortly. */
  soon(callback: () => void): void
}
