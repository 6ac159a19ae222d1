/** A chunk is asked for at the earliest when the one before the last is acknowledged. */
const ROOMS = 3

/**
 * Memory for the chunks of one transfer, used in turn: a whole snapshot passes through a few megabytes
 * instead of leaving as many behind for the collector as it has itself. A chunk's room is overwritten when
 * the third one after it is read; by then the follower has answered for it, or its connection is gone.
 */
export class ChunkRooms {
  readonly #rooms: ChunkRoom[] = []
  #next = 0

  next(bytes: number): ChunkRoom {
    const position = this.#next++ % ROOMS
    let room = this.#rooms[position]
    if (room === undefined || room.bytes < bytes) {
      room = new ChunkRoom(bytes)
      this.#rooms[position] = room
    }
    return room
  }
}

/** Room for one chunk as it is and, beside it, deflated. */
class ChunkRoom {
  readonly bytes: number
  readonly #state: SharedArrayBuffer
  #deflated: SharedArrayBuffer | null = null

  constructor(bytes: number) {
    this.bytes = bytes
    this.#state = new SharedArrayBuffer(bytes)
  }

  state(length: number): Uint8Array {
    return new Uint8Array(this.#state, 0, length)
  }

  deflated(length: number): Uint8Array {
    this.#deflated ??= new SharedArrayBuffer(this.bytes)
    return new Uint8Array(this.#deflated, 0, length)
  }
}
