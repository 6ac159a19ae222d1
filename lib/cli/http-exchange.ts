import { once } from 'node:events'
import { type IncomingMessage, type OutgoingHttpHeaders, request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'
import { pipeline } from 'node:stream/promises'
import { Failure } from './failure.js'

export interface Sent {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  /** Sent at once; of a stream, once the server has asked for it (Expect: 100-continue). */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>
  /** Authorities of the server's certificate, PEM. Default: those that Node.js knows. */
  readonly ca?: string
  /** Until the answer begins. Default: none. */
  readonly timeoutMs?: number
}

/**
 * One request and the head of its answer, however long either takes: fetch gives up after five minutes,
 * and loses an answer that comes before all of the body was sent.
 * @throws Failure when no answer comes
 */
export async function exchange(url: URL, sent: Sent): Promise<IncomingMessage> {
  const { method = 'GET', headers = {}, body, ca, timeoutMs = Number.POSITIVE_INFINITY } = sent
  const signal = Number.isFinite(timeoutMs) ? AbortSignal.timeout(timeoutMs) : null
  const start = url.protocol === 'https:' ? overHttps : overHttp
  const streamed = body !== undefined && !(body instanceof Uint8Array)
  const expect = streamed ? { expect: '100-continue' } : {}
  const secure = ca === undefined ? {} : { ca }
  const all = { ...headers, ...expect }
  const request = start(url, { method, agent: false, headers: all, ...secure })
  try {
    const answered = once(request, 'response', signal === null ? {} : { signal })
    if (streamed) {
      // An answer that comes before the end of the body is what counts; the rest then fails, or never begins.
      once(request, 'continue')
        .then(() => pipeline(body, request))
        .catch(() => {})
      request.flushHeaders()
    } else request.end(body)
    const [answer] = (await answered) as [IncomingMessage]
    // A body that was never asked for would hold the connection open.
    answer.once('close', () => request.destroy())
    return answer
  } catch (error) {
    request.destroy()
    throw noAnswer(url.origin, timeoutMs, error)
  } finally {
    // What goes wrong from here on is the affair of whoever reads the answer.
    request.on('error', () => {})
  }
}

function noAnswer(url: string, timeoutMs: number, error: unknown): Failure {
  const { code, message, name } = error as NodeJS.ErrnoException
  if (name === 'AbortError') return new Failure(`no answer from ${url} within ${timeoutMs} ms`)
  const unknown = /^(SELF_SIGNED|UNABLE_TO|DEPTH_ZERO)/.test(code ?? '')
  const hint = unknown ? ': name the authority of its certificate with --http-ca' : ''
  return new Failure(`no answer from ${url} (${code ?? message})${hint}`)
}
