import type { ActorStats } from '../../runtime/actor.js'
import type { LiveActor } from './live-message.js'

type Counted = Pick<ActorStats, 'busyMs' | 'controlMessages' | 'dataMessages'>

/** What actors have done since the last look: their counters only ever grow, until one is restarted. */
export class ActorRates {
  #before = new Map<string, Counted>()
  #at: number | null = null
  #latest: readonly LiveActor[] = []

  /** As of the last look. */
  get latest(): readonly LiveActor[] {
    return this.#latest
  }

  look(actors: readonly ActorStats[], now: number): readonly LiveActor[] {
    const elapsedMs = this.#at === null ? 0 : now - this.#at
    this.#latest = actors.map((actor) => {
      const before = this.#before.get(actor.name)
      const since =
        before === undefined || elapsedMs <= 0 ? null : progress(before, actor, elapsedMs)
      return {
        name: actor.name,
        backlogMessages: actor.backlogMessages,
        backlogBytes: actor.backlogBytes,
        busyShare: since?.busyShare ?? 0,
        messagesPerS: since?.messagesPerS ?? 0,
      }
    })
    this.#before = new Map(actors.map((actor) => [actor.name, actor]))
    this.#at = now
    return this.#latest
  }
}

function progress(before: Counted, now: Counted, elapsedMs: number) {
  const share = (now.busyMs - before.busyMs) / elapsedMs
  const messages = messagesOf(now) - messagesOf(before)
  return {
    busyShare: Math.round(Math.min(1, Math.max(0, share)) * 1000) / 1000,
    messagesPerS: Math.max(0, Math.round((messages * 1000) / elapsedMs)),
  }
}

function messagesOf({ controlMessages, dataMessages }: Counted): number {
  return controlMessages + dataMessages
}
