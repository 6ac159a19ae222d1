import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { freePortBase } from '../helpers/free-ports.js'
import { TroupeProcess } from '../helpers/troupe-process.js'
import { javaScriptProject, typeScriptProject } from './support/consumers.js'
import { NotInstallable, pack, project, run, withTypeScript } from './support/packed.js'

/** The package as it would be published, in projects of others. */

const LONG = process.env.TROUPE_LONG === '1'
const skip = LONG ? false : 'packs and installs the package: set TROUPE_LONG=1'
t.setTimeout(600_000)

t.test('the packed package', { skip }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'troupe-package-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  const tarball = await pack(dir)

  await t.test('holds what is needed and nothing else', (t) => contents(t, dir, tarball))
  await t.test('serves programs in TypeScript', (t) => typeScript(t, dir, tarball))
  await t.test('serves programs in JavaScript', (t) => javaScript(t, dir, tarball))
  await t.test('brings the troupe command', (t) => command(t, dir, tarball))
  await t.test('runs the service where fastify is', (t) => service(t, dir, tarball))
})

type Tap = Pick<typeof t, 'ok' | 'equal' | 'same' | 'match' | 'notMatch' | 'comment'>

async function contents(t: Tap, dir: string, tarball: string): Promise<void> {
  const { stdout } = await run(dir, 'tar', ['-xzvf', tarball])
  const names = stdout.trim().split('\n')
  const strange = names.filter((name) => !/^package\/((dist\/)?(lib|actors)\/|[^/]+$)/.test(name))
  t.same(strange, [], 'only the library, its actors, and the papers')
  t.same(
    names.filter((name) => /\.(test|bench)\.|tsbuildinfo|\.tgz/.test(name)),
    [],
  )
  for (const name of ['README.md', 'LICENSE', 'CHANGELOG.md', 'dist/lib/cli/main.js']) {
    t.ok(names.includes(`package/${name}`), name)
  }
  const private_ = [dir, process.cwd(), homedir()].filter((path) => path.length > 1)
  for (const name of names) {
    const text = await readFile(join(dir, name), 'utf8')
    const found = private_.filter((path) => text.includes(path))
    if (found.length > 0) t.same(found, [], `${name} names no path of this machine`)
  }
}

/** Null, and a skipped test, where nothing can be installed. */
async function installed(
  t: Tap,
  ...[dir, name, tarball, files, more]: Parameters<typeof project>
): Promise<string | null> {
  try {
    return await project(dir, name, tarball, files, more)
  } catch (error) {
    if (!(error instanceof NotInstallable)) throw error
    t.comment(`skipped: ${error.message}`)
    return null
  }
}

async function typeScript(t: Tap, dir: string, tarball: string): Promise<void> {
  const path = await installed(t, dir, 'typescript', tarball, typeScriptProject)
  if (path === null) return
  const compiled = await run(path, process.execPath, [...(await withTypeScript(path))])
  t.equal(compiled.code, 0, `it compiles, with the declarations checked: ${compiled.stdout}`)
  const main = await run(path, process.execPath, ['out/main.js'])
  t.equal(main.code, 0, main.stderr)
  t.match(JSON.parse(main.stdout), { result: 42, total: 42, code: 'RAFT_COMMAND_REJECTED' })
  t.equal(main.stderr, '')
  const testing = await run(path, process.execPath, ['out/testing.js'])
  t.equal(testing.code, 0, testing.stderr)
  t.same(JSON.parse(testing.stdout), { nodes: 3, same: true })
}

async function javaScript(t: Tap, dir: string, tarball: string): Promise<void> {
  const path = await installed(t, dir, 'javascript', tarball, javaScriptProject)
  if (path === null) return
  for (const absent of ['fastify', 'prom-client', 'tap', 'typescript']) {
    const found = await run(path, process.execPath, ['-e', `import('${absent}')`])
    t.match(found.stderr, /ERR_MODULE_NOT_FOUND/, `${absent} is not installed with it`)
  }
  t.same(await run(path, process.execPath, ['plain.mjs']), said('hello leader'))
  const { version } = JSON.parse(await readFile(join(dir, 'package/package.json'), 'utf8'))
  const required = await run(path, process.execPath, ['required.cjs'])
  t.match(required, { code: 0, stdout: `function function function false ${version}\n` })
  const entries = await run(path, process.execPath, ['entries.mjs'])
  t.equal(entries.code, 0, entries.stderr)
  t.notMatch(entries.stdout, /false/)
  t.match(entries.stdout, /\nERR_MODULE_NOT_FOUND\nERR_PACKAGE_PATH_NOT_EXPORTED\n$/)
}

const said = (text: string) => ({ code: 0, stdout: `${text}\n`, stderr: '' })

async function command(t: Tap, dir: string, tarball: string): Promise<void> {
  const path = await installed(t, dir, 'command', tarball, {})
  if (path === null) return
  const { version } = JSON.parse(await readFile(join(dir, 'package/package.json'), 'utf8'))
  const troupe = (...args: string[]) => run(path, 'npx', ['--no-install', 'troupe', ...args])
  t.match(await troupe('--version'), { code: 0, stdout: `${version}\n` })
  t.match(await troupe('--help'), { code: 0, stdout: /dev.*\n.*serve/ })
  const dev = await troupe('dev', '--nodes', '1')
  t.equal(dev.code, 1)
  t.match(dev.stderr, /npm install fastify/, 'the service says what it needs')
}

/** With the optional peer that it needs, as the README's first command runs it. */
async function service(t: Tap, dir: string, tarball: string): Promise<void> {
  const path = await installed(t, dir, 'service', tarball, {}, ['fastify@5'])
  if (path === null) return
  const base = await freePortBase(16)
  const ports = ['--http-port', `${base}`, '--raft-port', `${base + 8}`]
  const bin = join(path, 'node_modules/.bin/troupe')
  const dev = new TroupeProcess(bin, ['dev', '--dir', join(path, 'data'), ...ports])
  await dev.match('stdout', /^ready leader=n[123]$/)
  const greeting = (node: number) => `http://127.0.0.1:${base + node}/kv/greeting`
  t.equal((await fetch(greeting(1), { method: 'PUT', body: 'hello' })).status, 200)
  t.equal(await (await fetch(greeting(3))).text(), 'hello')
  dev.signal('SIGINT')
  t.match(await dev.ended, { code: 0 })
}
