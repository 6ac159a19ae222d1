import { randomUUID } from 'node:crypto'
import t from 'tap'
import { DevCluster, devPlace } from '../helpers/dev-cluster.js'

interface Written {
  readonly status: number
  readonly body: string
  readonly etag: string | null
}

/**
 * Creates a key, which succeeds once only, and sends it again to one node after the other, under one
 * Idempotency-Key, until one of them answers for certain.
 */
async function create(urls: readonly string[], from: number, key: string): Promise<Written> {
  const headers = { 'if-none-match': '*', 'idempotency-key': randomUUID() }
  for (let attempt = from; ; attempt++) {
    const url = `${urls[attempt % urls.length]}/kv/${key}`
    try {
      const answer = await fetch(url, { method: 'PUT', body: key, headers })
      const body = await answer.text()
      const { status } = answer
      if (status < 500) return { status, body, etag: answer.headers.get('etag') }
    } catch {
      // The node is gone; whether it has passed the request on nobody knows.
    }
  }
}

t.test(
  'writers that repeat everything while the leader is killed: each write is done once',
  async (t) => {
    const cluster = await DevCluster.start(t, await devPlace(t))
    const urls = cluster.nodes.map(({ http }) => http)
    const written: [key: string, Written][] = []
    let stopped = false
    let wake: () => void = () => {}
    const more = async (count: number) => {
      const goal = written.length + count
      while (written.length < goal) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let i = 0; !stopped; i++) {
        const key = `w${writer}.${i}`
        written.push([key, await create(urls, writer + i, key)])
        wake()
      }
    })
    await more(50)
    const command = await cluster.kill(cluster.leader)
    await more(100)
    const restarted = await DevCluster.run(t, command)
    await restarted.match('stdout', /^ready leader=/)
    await more(50)
    stopped = true
    await Promise.all(writers)

    t.strictSame(
      written.filter(([, { status }]) => status !== 200),
      [],
      'a second application would have been 412',
    )
    const client = cluster.followers[0]?.client
    const found = await client?.keys('w')
    t.strictSame([...(found ?? [])].sort(), written.map(([key]) => key).sort())
    for (const [key, { body, etag }] of written) {
      const { revision } = JSON.parse(body) as { readonly revision: number }
      if (etag !== `"${revision}"`) t.fail(`${key}: ETag ${etag}, revision ${revision}`)
    }
  },
)
