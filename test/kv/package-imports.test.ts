import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import t from 'tap'

const root = new URL('../../', import.meta.url)
const entryPoints = [
  'index',
  'fsm/index',
  'log/index',
  'node/testing',
  'sim/index',
  'runtime/index',
]

/** Notes each package that is resolved, from whatever file. */
const hook = `
  import { writeSync } from 'node:fs'
  export async function resolve(specifier, context, next) {
    const found = await next(specifier, context)
    const name = /\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(found.url)?.[1]
    const own = !context.parentURL?.includes('/node_modules/')
    if (name !== undefined && own) writeSync(1, name + '\\n')
    return found
  }`

/** The packages that these modules, and all that they import, ask for. */
async function packagesOf(modules: readonly URL[]): Promise<readonly string[]> {
  const program = `
    import { register } from 'node:module'
    register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)})
    for (const module of ${JSON.stringify(modules)}) await import(module)
    process.exit()`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = (await text(child.stdout)).split('\n').filter(Boolean)
  return [...new Set(lines)].sort()
}

function actors(): readonly URL[] {
  return readdirSync(new URL('actors/', root), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => new URL(`actors/${name}/${name}-actor.js`, root))
}

t.test('a program that embeds the library loads lmdb and no other package', async (t) => {
  const modules = [...entryPoints.map((name) => new URL(`lib/${name}.js`, root)), ...actors()]
  const store = new URL('lib/log/lmdb-store.js', root)
  t.strictSame(await packagesOf([...modules, store]), ['lmdb'])
})

t.test('the service loads fastify besides', async (t) => {
  t.strictSame(await packagesOf([new URL('lib/kv/index.js', root)]), ['fastify'])
})

t.test('the metrics entry point loads prom-client and no other package', async (t) => {
  t.strictSame(await packagesOf([new URL('lib/kv/prometheus.js', root)]), ['prom-client'])
})
