import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { ErrorBody } from '../kv/http-errors.js'
import type { Members } from '../kv/service-members.js'
import type { NodeStatus } from '../kv/service-status.js'
import {
  type AccessFlags,
  authorization,
  type ClientAccess,
  clientAccess,
} from './client-access.js'
import { Failure } from './failure.js'
import { exchange, type Sent } from './http-exchange.js'

/** Most commands are answered at once; a change of the cluster says itself how long it may take. */
const answerTimeoutMs = 10_000

interface Asked {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly body?: object
  readonly timeoutMs?: number
}

/** A node over HTTP, as commands use it. What it refuses is a Failure in its own words. */
export class NodeClient {
  readonly url: string
  readonly #access: ClientAccess

  constructor(url: string, access: ClientAccess) {
    this.url = url
    this.#access = access
  }

  static of(flags: AccessFlags & { readonly http: string }): NodeClient {
    return new NodeClient(flags.http, clientAccess(flags))
  }

  /** Another node of the same cluster. */
  at(url: string): NodeClient {
    return new NodeClient(url, this.#access)
  }

  status(timeoutMs = answerTimeoutMs): Promise<NodeStatus> {
    return this.json('/status', { timeoutMs })
  }

  members(): Promise<Members> {
    return this.json('/members')
  }

  async json<T>(path: string, sent: Asked = {}): Promise<T> {
    return JSON.parse(await text(await this.ask(path, sent))) as T
  }

  /** A good answer, its body not read yet. @throws Failure */
  ask(path: string, sent: Asked = {}): Promise<IncomingMessage> {
    const { method = 'GET', body, timeoutMs = answerTimeoutMs } = sent
    return this.send(path, {
      method,
      timeoutMs,
      ...(body !== undefined && {
        body: Buffer.from(JSON.stringify(body)),
        headers: { 'content-type': 'application/json' },
      }),
    })
  }

  /** The same with a body of any kind. @throws Failure when the answer is none of success */
  async send(path: string, sent: Sent): Promise<IncomingMessage> {
    const url = new URL(path, this.url)
    const { ca } = this.#access
    const headers = { ...sent.headers, ...authorization(url, this.#access) }
    const answer = await exchange(url, { ...sent, headers, ...(ca !== null && { ca }) })
    const { statusCode = 0 } = answer
    if (statusCode >= 200 && statusCode < 300) return answer
    throw refused(this.url, statusCode, await text(answer))
  }
}

/** What a node answered instead of doing it, with what became of it and where to go. */
function refused(url: string, status: number, text: string): Failure {
  const error = errorIn(text)
  if (error === null) return new Failure(`${url} answered ${status}: ${text.slice(0, 200)}`)
  const { code, message, outcome, leader } = error
  const fate =
    outcome === 'unknown' ? ' (it may have been done all the same: look before you repeat it)' : ''
  const where = leader?.http ? ` (the leader is ${leader.id} at ${leader.http})` : ''
  return new Failure(`${message}${fate}${where}`, { code })
}

function errorIn(text: string): ErrorBody['error'] | null {
  try {
    const { error } = JSON.parse(text) as Partial<ErrorBody>
    return error !== undefined && typeof error.code === 'string' ? error : null
  } catch {
    return null
  }
}
