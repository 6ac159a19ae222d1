import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { stateMachine } from '../../lib/fsm/define.js'
import { RaftNode } from '../../lib/node/raft-node.js'
import { tcpTransport } from '../../lib/transport/transports.js'
import { errorOf } from '../node/fixtures/callers.js'

const machine = stateMachine(new URL('../fixtures/machines/list.js', import.meta.url))

const options = (directory: string) => ({
  cluster: 'moved',
  id: 'n1',
  dataDir: join(directory, 'data'),
  transport: tcpTransport({ listen: '127.0.0.1:0' }),
  stateMachine: machine,
  bootstrap: [{ id: 'n1', address: '127.0.0.1:1' }],
  threads: { consensus: 'worker' } as const,
})

t.test('a program that has moved the modules of its threads says where they are', async (t) => {
  const directory = t.testdir({ moved: {} })
  const moved = join(directory, 'moved')
  const node = await RaftNode.start({
    ...options(directory),
    actorUrl: (name, url) => {
      const path = join(moved, `${name}.mjs`)
      const mark = `import { writeFileSync } from 'node:fs'\nwriteFileSync('${moved}/${name}.loaded', '')`
      writeFileSync(path, `${mark}\nexport * from '${url.href}'\n`)
      return pathToFileURL(path)
    },
  })
  await node.waitFor({ state: 'leader' })
  t.match(await node.apply(Buffer.from('x')), { index: Number })
  await node.close()
  const loaded = readdirSync(moved).filter((name) => name.endsWith('.loaded'))
  const actors = ['consensus', 'file-store', 'fsm', 'inbound', 'lmdb-store', 'log', 'snapshot']
  const all = [...actors, 'tcp-transport', 'worker'].map((name) => `${name}.loaded`)
  t.same(loaded.sort(), all, 'each of them is loaded from there')
})

t.test('an actorUrl that is no function is refused by name', async (t) => {
  const wrong = { ...options(t.testdir()), actorUrl: './moved' as never }
  t.match(await errorOf(RaftNode.start(wrong)), {
    code: 'RAFT_CONFIG_INVALID',
    message: /actorUrl: expected a function/,
  })
})
