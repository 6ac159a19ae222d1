import { maxValueBytes } from './kv-commands.js'

/** What is wrong with a request, told before anything was proposed. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem'
  readonly status: number
  readonly code: string
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.headers = headers
  }
}

export function badRequest(message: string): HttpProblem {
  return new HttpProblem(400, 'HTTP_BAD_REQUEST', message)
}

export function notFound(message: string): HttpProblem {
  return new HttpProblem(404, 'HTTP_NOT_FOUND', message)
}

export function keyNotFound(): HttpProblem {
  return new HttpProblem(404, 'KV_KEY_NOT_FOUND', 'there is no such key')
}

export function methodNotAllowed(method: string, allowed: readonly string[]): HttpProblem {
  const allow = allowed.join(', ')
  return new HttpProblem(
    405,
    'HTTP_METHOD_NOT_ALLOWED',
    `${method} is not allowed here; allowed: ${allow}`,
    { allow },
  )
}

export function unsupportedMediaType(message: string): HttpProblem {
  return new HttpProblem(415, 'HTTP_UNSUPPORTED_MEDIA_TYPE', message)
}

export function forbidden(message: string): HttpProblem {
  return new HttpProblem(403, 'HTTP_FORBIDDEN', message)
}

export function tooLarge(): HttpProblem {
  return new HttpProblem(
    413,
    'RAFT_ENTRY_TOO_LARGE',
    `a value, or the values of a batch together, have at most ${maxValueBytes} bytes`,
  )
}

export function bodyTooLarge(maxBytes: number): HttpProblem {
  const message = `a body here has at most ${maxBytes} bytes`
  return new HttpProblem(413, 'HTTP_BODY_TOO_LARGE', message)
}

export function closing(): HttpProblem {
  return new HttpProblem(503, 'RAFT_CLOSED', 'this node is closing; ask another one')
}
