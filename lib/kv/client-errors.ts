import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { badRequest, HttpProblem } from './http-problem.js'

/** What came over a connection is no HTTP, or not in time: told like any other refusal, and hung up. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  if (socket.writable) socket.write(answer(problemOf(error.code)))
  socket.destroySoon()
}

function problemOf(code: string | undefined): HttpProblem {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new HttpProblem(408, 'HTTP_TIMEOUT', 'the head of the request did not come in time')
    case 'HPE_HEADER_OVERFLOW':
      return new HttpProblem(431, 'HTTP_HEAD_TOO_LARGE', 'the head of a request has at most 16 KiB')
    default:
      return badRequest('what came over this connection is no HTTP request')
  }
}

function answer({ status, code, message }: HttpProblem): string {
  const body = JSON.stringify({ error: { code, message } })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}
