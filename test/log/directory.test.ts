import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { flushDirectory, makeDirectory } from '../../lib/log/directory.js'

async function temporary(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'troupe-directory-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  return dir
}

t.test(
  'R-14: a file system that cannot flush directories costs one warning, a failing one an error',
  { skip: process.platform !== 'linux' && 'procfs is such a file system' },
  async (t) => {
    const warnings: string[] = []
    t.equal(
      flushDirectory('/proc/self', (message) => warnings.push(message)),
      false,
    )
    t.equal(warnings.length, 1)
    t.match(warnings[0], /EINVAL from fsync of \/proc\/self/)
    const gone = join(await temporary(), 'gone')
    t.throws(() => flushDirectory(gone, () => {}), { code: 'ENOENT', path: gone })
  },
)

t.test('R-15: a data directory that cannot be made names the path and the reason', async (t) => {
  const dir = await temporary()
  const file = join(dir, 'file')
  await writeFile(file, '')
  const warn = (message: string) => t.fail(message)
  makeDirectory(join(dir, 'a', 'b'), warn)
  makeDirectory(join(dir, 'a', 'b'), warn)
  t.throws(() => makeDirectory(join(file, 'data'), warn), { code: 'ENOTDIR', path: /file/ })
  t.throws(() => makeDirectory(file, warn), { code: 'EEXIST', path: file })
})
