import type { Readable } from 'node:stream'
import { after } from '../runtime/clock.js'
import { badRequest, HttpProblem } from './http-problem.js'

/** A body of any length may take its time, but something must come. */
const silenceMs = 30_000

/**
 * The bytes of a body as fast as they are wanted. Whoever stops early leaves the connection as it is, so
 * that it can still be answered.
 * @throws HttpProblem 408 when nothing comes for 30 s; 400 when the client hangs up half way.
 */
export async function* receivedBytes(body: Readable): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = body.iterator({ destroyOnReturn: false })
  for (;;) {
    const next = await orSilence(chunks.next().catch(cutOff))
    if (next.done === true) return
    yield next.value as Buffer
  }
}

function cutOff(): never {
  throw badRequest('the body was cut off')
}

async function orSilence<T>(next: Promise<T>): Promise<T> {
  let timer: { cancel(): void } | null = null
  const silence = new Promise<never>((_, reject) => {
    const problem = new HttpProblem(408, 'HTTP_TIMEOUT', `nothing came for ${silenceMs} ms`)
    timer = after(silenceMs, () => reject(problem))
  })
  try {
    return await Promise.race([next, silence])
  } finally {
    ;(timer as { cancel(): void } | null)?.cancel()
  }
}
