import { createServer } from 'node:net'

const lowest = 10_000
const range = 20_000

/** A base so that base + 1 .. base + count are free at the moment. */
export async function freePortBase(count: number): Promise<number> {
  for (;;) {
    const base = lowest + Math.floor(Math.random() * range)
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(base + i + 1)))
    if (free.every(Boolean)) return base
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
