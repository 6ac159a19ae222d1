import type { Reply } from './replies.js'

interface Append {
  readonly request: number
  readonly bytes: number
}

/** Bytes of one connection that were told to the consensus actor and are not answered yet (S18). */
export class Unanswered {
  /** In the order of arrival, which is that of their numbers. */
  readonly #appends: Append[] = []
  readonly #forwards = new Map<number, number>()
  #chunkBytes = 0
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  append(request: number, bytes: number): void {
    this.#appends.push({ request, bytes })
    this.#bytes += bytes
  }

  /** A leader sends the next chunk when the last one is answered, so one number will do. */
  chunk(bytes: number): void {
    this.#chunkBytes += bytes
    this.#bytes += bytes
  }

  forward(request: number, bytes: number): void {
    this.#forwards.set(request, (this.#forwards.get(request) ?? 0) + bytes)
    this.#bytes += bytes
  }

  answered(reply: Reply): void {
    switch (reply.kind) {
      case 'appendReply':
        return this.#appendAnswered(reply.request, reply.success)
      case 'snapshotChunkReply':
        this.#bytes -= this.#chunkBytes
        this.#chunkBytes = 0
        return
      case 'forwardReply':
        this.#bytes -= this.#forwards.get(reply.request) ?? 0
        this.#forwards.delete(reply.request)
        return
      case 'voteReply':
      case 'heartbeatReply':
        return
    }
  }

  /** A success acknowledges all earlier requests of the connection too (S1). */
  #appendAnswered(request: number, success: boolean): void {
    let from = 0
    while (from < this.#appends.length && isBefore(this.#appends[from], request)) from += 1
    const first = success ? 0 : from
    const found = this.#appends[from]?.request === request
    for (const append of this.#appends.splice(first, from - first + (found ? 1 : 0))) {
      this.#bytes -= append.bytes
    }
  }
}

function isBefore(append: Append | undefined, request: number): boolean {
  return append !== undefined && append.request < request
}
