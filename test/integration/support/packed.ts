import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The nearest folder above the build that is a package. */
const repository = packageAbove(dirname(fileURLToPath(import.meta.url)))

function packageAbove(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : packageAbove(dirname(folder))
}

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end; a wrong exit code is the caller's to judge. */
export function run(cwd: string, file: string, args: readonly string[]): Promise<Ran> {
  // npm's own settings of the run that this test is part of are not those of a user.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|TAP|NODE_OPTIONS)/.test(name)),
  )
  return new Promise((resolve) => {
    const options = { cwd, env, timeout: 240_000, maxBuffer: 64 * 1024 * 1024 }
    execFile(file, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
      resolve({
        code,
        stdout,
        stderr: error?.signal ? `${stderr}ended by ${error.signal}` : stderr,
      })
    })
  })
}

/** What `npm pack` makes of a copy of the repository in `dir`; the build folder is left alone. */
export async function pack(dir: string): Promise<string> {
  const copy = join(dir, 'repository')
  await mkdir(copy)
  const kept = (name: string) => !name.startsWith('.') && !['dist', 'node_modules'].includes(name)
  for (const name of (await readdir(repository)).filter(kept)) {
    await cp(join(repository, name), join(copy, name), { recursive: true })
  }
  await symlink(join(repository, 'node_modules'), join(copy, 'node_modules'))
  const packed = await run(copy, 'npm', ['pack', '--pack-destination', dir])
  if (packed.code !== 0) throw new Error(`npm pack failed: ${packed.stdout}${packed.stderr}`)
  return join(dir, packed.stdout.trim().split('\n').at(-1) ?? '')
}

/** The package manager could not reach a registry and has not everything in its cache. */
export class NotInstallable extends Error {}

/** An empty project with the package and what it depends on; files are those of the project. */
export async function project(
  dir: string,
  name: string,
  tarball: string,
  files: Readonly<Record<string, string>>,
  more: readonly string[] = [],
): Promise<string> {
  const path = join(dir, name)
  await mkdir(path)
  const manifest = { name, private: true, type: 'module' }
  await write(path, { 'package.json': JSON.stringify(manifest), ...files })
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--fetch-retries', '0']
  const installed = await run(path, 'npm', ['install', ...flags, tarball, ...more])
  if (installed.code === 0) return path
  const offline = /ENOTCACHED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|E40[13]/
  const reason = offline.exec(installed.stderr)?.[0]
  if (reason === undefined) throw new Error(`npm install failed: ${installed.stderr}`)
  throw new NotInstallable(`npm finds no registry and no cached packages: ${reason}`)
}

/** Lends a project what the repository itself compiles with. */
export async function withTypeScript(path: string): Promise<readonly string[]> {
  for (const name of ['@types/node', 'undici-types']) {
    const place = join(path, 'node_modules', name)
    await mkdir(dirname(place), { recursive: true })
    await cp(join(repository, 'node_modules', name), place, { recursive: true })
  }
  return [join(repository, 'node_modules/typescript/bin/tsc'), '-p', '.']
}

async function write(path: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text)
}
