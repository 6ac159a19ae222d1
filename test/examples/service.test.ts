import t, { type Test } from 'tap'
import { freePortBase } from '../helpers/free-ports.js'
import { TroupeProcess } from '../helpers/troupe-process.js'
import { exampleFile } from './support/run-example.js'

interface Running {
  readonly process: TroupeProcess
  readonly url: string
}

/** The service of lib/examples/service, three times, in a directory of the test. */
async function startThree(t: Test): Promise<readonly Running[]> {
  const cwd = t.testdir()
  const base = await freePortBase(6)
  const list = [1, 2, 3].map((i) => `n${i}=127.0.0.1:${base + i}`)
  const services = [1, 2, 3].map((i) => {
    const program = [process.execPath, exampleFile('service/main'), `n${i}`, `${base + 3 + i}`]
    const line = `cd '${cwd}' && exec ${[...program, ...list].join(' ')}`
    const url = `http://127.0.0.1:${base + 3 + i}`
    return { process: new TroupeProcess('/bin/sh', ['-c', line]), url }
  })
  t.teardown(() => Promise.all(services.map((service) => stop(service))))
  await Promise.all(services.map((service) => service.process.match('stdout', /^ready$/)))
  return services
}

async function stop({ process }: Running): Promise<void> {
  process.signal('SIGCONT')
  process.signal('SIGTERM')
  await process.ended
}

const count = ({ url }: Running) => fetch(`${url}/count`, { method: 'POST' })

t.test('on SIGTERM a service answers what it has begun, hands over, and ends', async (t) => {
  const [first, second, third] = await startThree(t)
  if (!first || !second || !third) return t.fail('three were started')
  t.equal((await fetch(`${first.url}/readyz`)).status, 200)
  t.equal(await (await count(first)).text(), '1\n')

  // A request that cannot be answered yet: the others stand still.
  for (const { process } of [second, third]) process.signal('SIGSTOP')
  const begun = count(first)
  t.equal((await fetch(`${first.url}/healthz`)).status, 200)
  first.process.signal('SIGTERM')
  await first.process.match('stdout', /^stopping: asked to$/)
  await t.rejects(count(first), 'new requests are refused')
  for (const { process } of [second, third]) process.signal('SIGCONT')

  t.equal(await (await begun).text(), '2\n')
  const { code, stdout } = await first.process.ended
  t.equal(code, 0)
  t.same(stdout.split('\n'), [
    'ready',
    'stopping: asked to',
    'every request is answered',
    'leadership handed over, all closed',
  ])
  t.equal(await (await count(second)).text(), '3\n', 'the others go on')
})
