/**
 * The two ends of a byte stream, whatever carries it: a socket, memory, the simulator. It knows no
 * frames; `FramedChannel` makes a channel of it.
 */
export interface Pipe {
  /**
   * Queues byte runs, which arrive in this order and without a gap. `written` is called once, in a
   * turn of the owner, when the runs' memory is no longer read; also when the pipe closes.
   */
  write(runs: readonly Uint8Array[], written?: () => void): void
  /** What the peer's certificate proves (peer-identity.ts); null where nothing is proven. */
  readonly identities: readonly string[] | null
  /** Bytes queued and not yet handed on. */
  readonly bufferedBytes: number
  pause(): void
  resume(): void
  /** Closes once everything queued has been sent. */
  end(): void
  /** Closes now; what is queued is dropped. */
  destroy(): void
}

/** What happens to a pipe. Each call is made inside a turn of the actor that owns this end. */
export interface PipeEvents {
  connected(): void
  /** Bytes in order, cut anywhere. The memory is the pipe's own again when the call returns. */
  received(chunk: Uint8Array): void
  /** True while a snapshot arrives: more than the collector should find of it. */
  bulk?(): boolean
  /** The last event, once; `error` is null when either side closed it in peace. */
  closed(error: Error | null): void
}
