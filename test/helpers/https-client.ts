import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'

export interface HttpsAnswer {
  readonly status: number
  readonly body: string
  /** Of the certificate that the server has shown. */
  readonly fingerprint: string
}

/** One request over a connection of its own, to a server whose authority is `ca`. */
export async function overHttps(
  url: string,
  sent: {
    readonly ca: string
    readonly token?: string
    readonly method?: string
    readonly body?: string
    readonly headers?: Readonly<Record<string, string>>
  },
): Promise<HttpsAnswer> {
  const { ca, token, method = 'GET', body } = sent
  const headers = { ...sent.headers, ...(token && { authorization: `Bearer ${token}` }) }
  const asked = request(url, { ca, method, agent: false, headers })
  asked.end(body)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  const { fingerprint256 } = (answer.socket as TLSSocket).getPeerCertificate()
  return { status: answer.statusCode ?? 0, body: await text(answer), fingerprint: fingerprint256 }
}
