import type { X509Certificate } from 'node:crypto'
import { TransportError } from './errors.js'

/**
 * Who a certificate says its holder is: a URI among its subject alternative names, of this form, each
 * name percent-encoded:
 *
 *     troupe://CLUSTER/NODE
 *
 * A certificate may name several nodes. Host names and the subject's CN say nothing of a node.
 */
export function identityUri(cluster: string, nodeId: string): string {
  return `troupe://${encodeURIComponent(cluster)}/${encodeURIComponent(nodeId)}`
}

/** What the certificate proves, as `identityUri` writes it; whoever checked its signature may rely on it. */
export function identitiesIn(certificate: X509Certificate): readonly string[] {
  const names = certificate.subjectAltName ?? ''
  // Entries are separated by ", "; what could be mistaken for that is quoted as JSON.
  const entries = names.matchAll(/(?:^|, )URI:("(?:[^"\\]|\\.)*"|[^,]*)/g)
  return [...entries].flatMap(([, text = '']) => canonical(unquoted(text)) ?? [])
}

function unquoted(text: string): string {
  return text.startsWith('"') ? String(JSON.parse(text)) : text
}

/** Null for other URIs, and for one that is not well formed. */
function canonical(uri: string): string | null {
  const [, cluster, nodeId] = /^troupe:\/\/([^/?#]+)\/([^/?#]+)$/.exec(uri) ?? []
  if (cluster === undefined || nodeId === undefined) return null
  try {
    return identityUri(decodeURIComponent(cluster), decodeURIComponent(nodeId))
  } catch {
    return null
  }
}

/**
 * `proven`: null where nothing has to be proven.
 * @throws TransportError RAFT_IDENTITY_MISMATCH
 */
export function checkIdentity(
  proven: readonly string[] | null,
  cluster: string,
  nodeId: string,
): void {
  const expected = identityUri(cluster, nodeId)
  if (proven === null || proven.includes(expected)) return
  const found = proven.length === 0 ? 'no node' : proven.join(', ')
  throw new TransportError(
    'RAFT_IDENTITY_MISMATCH',
    `the certificate names ${found}, the handshake is with ${expected}; add URI:${expected} to the certificate of ${nodeId}`,
    { expected, found: proven },
  )
}
