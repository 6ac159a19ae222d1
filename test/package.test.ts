import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import t from 'tap'
import { projectRoot } from './helpers/readme-tables.js'

/** What `npm publish` would send, from the build as it is. test/integration/package.test.ts installs it. */

interface Packed {
  readonly filename: string
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string; readonly size: number }[]
}

const MIB = 1024 * 1024

/** Takes a compiler's time for each entry point and each way to import it. */
const skip = process.env.TROUPE_LONG === '1' ? false : 'compiles every import: set TROUPE_LONG=1'

t.test('the package holds what is needed, and its types are right', async (t) => {
  const { dir, packed } = await pack(t.testdir())
  const tarball = await readFile(join(dir, packed.filename))

  await t.test('the library, its sources and the papers, and nothing else', async (t) => {
    const paths = packed.files.map(({ path }) => path)
    const papers = /^(README\.md|LICENSE|CHANGELOG\.md|package\.json)$/
    const parts =
      /^(dist\/)?(lib|actors)\/[\w./-]+\.(js|js\.map|d\.ts|d\.ts\.map|ts|md|html|css|svg|png|json)$/
    const deploy = /^lib\/cli\/deploy\//
    const strange = paths.filter((path) => ![papers, parts, deploy].some((kind) => kind.test(path)))
    t.same(strange, [])
    t.same(
      paths.filter((path) => /\btest\b|\.test\.|fixtures/.test(path)),
      [],
    )
    // Ten times what it is now would be a mistake.
    t.ok(packed.size < 3 * MIB, `${packed.size} bytes`)
  })

  await t.test('every source map finds its source in the package', async (t) => {
    const paths = new Set(packed.files.map(({ path }) => path))
    const maps = [...paths].filter((path) => path.endsWith('.js.map'))
    const lost = maps.filter((path) => !paths.has(path.replace(/^dist\/(.*)\.js\.map$/, '$1.ts')))
    t.same(lost, [])
  })

  await t.test('publint has nothing to say', async (t) => {
    const { messages } = await publint({ pack: { tarball: arrayBuffer(tarball) }, strict: true })
    t.same(messages, [])
  })

  await t.test('the types of every entry point are those of its module', { skip }, async (t) => {
    const result = await checkPackage(createPackageFromTarballData(tarball))
    if (!result.types) return t.fail('the package has types')
    // It is a package of ES modules for Node.js: `require` gets them, and node10 knows no `exports`.
    const known = ['CJSResolvesToESM', 'NoResolution']
    const problems = result.problems.filter(
      (problem) =>
        !known.includes(problem.kind) ||
        ('resolutionKind' in problem && /esm|bundler/.test(problem.resolutionKind)),
    )
    t.same(problems, [])
  })
})

/** Without the scripts, which would build anew what other tests are using. */
async function pack(dir: string): Promise<{ readonly dir: string; readonly packed: Packed }> {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', dir]
  const { stdout } = await promisify(execFile)('npm', args, {
    cwd: projectRoot,
    maxBuffer: 16 * MIB,
  })
  const answer = JSON.parse(stdout) as readonly Packed[] | Readonly<Record<string, Packed>>
  const [packed] = Object.values(answer)
  if (packed === undefined) throw new Error(`npm pack answered ${stdout}`)
  return { dir, packed }
}

function arrayBuffer({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBuffer {
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer
}
