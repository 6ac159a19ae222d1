/** What a peer, a foreign program or the network did wrong. Each closes one connection and no more. */
export type TransportErrorCode =
  /** Not the first bytes of this protocol: HTTP, TLS, garbage. */
  | 'RAFT_HANDSHAKE_INVALID'
  /** The handshake did not finish in time. */
  | 'RAFT_HANDSHAKE_TIMEOUT'
  /** The peer speaks another version of this protocol. */
  | 'RAFT_VERSION_MISMATCH'
  /** The peer belongs to another cluster, or is not the node that was meant. */
  | 'RAFT_CLUSTER_MISMATCH'
  /** The peer's Welcome refused this node; the refusal is passed beside this error. */
  | 'RAFT_REFUSED'
  /** A head or payload announced beyond the limits. */
  | 'RAFT_FRAME_TOO_LARGE'
  /** A checksum does not match, or reserved bytes are not zero. */
  | 'RAFT_FRAME_CORRUPT'
  /** A frame type that this version does not know, or that this connection does not carry. */
  | 'RAFT_FRAME_UNEXPECTED'
  /** A head that is intact and yet does not say what its type says. */
  | 'RAFT_MESSAGE_MALFORMED'
  | 'RAFT_TOO_MANY_CONNECTIONS'
  /** The receiver has no room for a request just now. */
  | 'RAFT_OVERLOADED'
  /** The connection broke or could not be made; `cause` is the socket's error. */
  | 'RAFT_CONNECTION_LOST'
  | 'RAFT_ADDRESS_INVALID'
  /** The TLS handshake failed: plain text, another version, or a certificate that is not accepted. */
  | 'RAFT_TLS_FAILED'
  /** The peer's certificate is good, and names other nodes than the handshake does. */
  | 'RAFT_IDENTITY_MISMATCH'
  | 'RAFT_INSECURE_LISTEN'
  | 'RAFT_CONFIG_INVALID'

/**
 * A handler may throw it from `allocate` or `onFrame`: the channel is closed with it and nothing else
 * is harmed. Any other exception is a failure of the actor.
 */
export class TransportError extends Error {
  override readonly name = 'TransportError'
  readonly code: TransportErrorCode
  /** The numbers in the message, for logs. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: TransportErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }
}
