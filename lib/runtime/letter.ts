import type { MessagePort } from 'node:worker_threads'
import type { ActorRef, Message } from './actor.js'
import type { WireError } from './wire-error.js'

/**
 * What travels between cells. Arrays with a small tag, not objects: the structured clone of an array
 * writes no property names, and the array that arrives is what the mailbox queues.
 */
export const DATA = 0
export const CONTROL = 1
export const ASK = 2
export const ANSWER = 3
export const SYSTEM = 4

/** A message and its weight in bytes. */
export type DataLetter = readonly [typeof DATA, Message, number]
export type ControlLetter = readonly [typeof CONTROL, Message]
/** A message and the number that its answer carries back on the same port. */
export type AskLetter = readonly [typeof ASK, Message, number]
/** The number of the ask; whether the value is the answer, or a WireError. */
export type AnswerLetter = readonly [typeof ANSWER, number, boolean, unknown]
export type SystemLetter = readonly [typeof SYSTEM, SystemMessage]

/**
 * What a sender posts to an actor's port. A message by itself is one of the data lane without weight: the
 * envelope would cost a fifth of a short message's way.
 */
export type InletLetter = Message | DataLetter | ControlLetter | AskLetter | SystemLetter

export function isLetter(posted: InletLetter): posted is Exclude<InletLetter, Message> {
  return Array.isArray(posted)
}

export type Reply = (ok: boolean, value: unknown) => void

/** An ask inside a mailbox: the way back is a function by now. */
export type AskedLetter = readonly [typeof ASK, Message, Reply]

/** From the system to an actor on a worker thread. */
export type SystemMessage =
  /** Another sender's port. */
  | { readonly kind: 'inlet'; readonly port: MessagePort }
  | {
      readonly kind: 'link'
      readonly name: string
      readonly to: string
      readonly memory: SharedArrayBuffer
      readonly port: MessagePort
    }
  /** To another actor on the same thread. */
  | { readonly kind: 'linkBeside'; readonly name: string; readonly to: string }
  | { readonly kind: 'unlink'; readonly name: string }
  | { readonly kind: 'stop' }
  /** Of an actor on a shared thread, which cannot be terminated for it alone. It holds no place in the lane. */
  | { readonly kind: 'kill'; readonly why: string }

/** A link as the actor learns of it, ahead of its control lane. */
export type LinkChange =
  | { readonly kind: 'link'; readonly name: string; readonly ref: LinkRef }
  | { readonly kind: 'unlink'; readonly name: string }

/** A ref that belongs to one link: closed when the link is replaced or its far end has exited. */
export interface LinkRef extends ActorRef {
  close(): void
}

/** From an actor's thread to the system. */
export type HostMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'exit'; readonly error: WireError | null }
  | {
      readonly kind: 'deadLetters'
      readonly letters: readonly { readonly to: string; readonly kind: string }[]
      /** Dead letters past the ones listed. */
      readonly more: number
    }
  | {
      readonly kind: 'log'
      readonly level: LogLevel
      readonly fields: object
      readonly message: string
      /** Records dropped before this one because the lane was full. */
      readonly dropped: number
    }

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
