import { spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { projectRoot } from '../helpers/readme-tables.js'

/**
 * `npm run test:matrix [-- --all] [-- 22 24]`: the tests of the build under each supported release of Node.js.
 * Its binaries come from the npm registry and are kept in node_modules/.cache. Without `--all` it leaves out
 * real processes that are killed (integration) and the seeds of the simulator (sim), which take most of the time.
 */

const releases = ['20', '22', '24']
const usual = [
  ...['core', 'runtime', 'log', 'snapshot', 'transport', 'fsm', 'actors', 'node'],
  ...['kv', 'cli', 'examples', 'guides', 'issues'],
].map((folder) => `${folder}/`)

const { values, positionals } = parseArgs({
  options: { all: { type: 'boolean', default: false } },
  allowPositionals: true,
})

const wanted = positionals.length > 0 ? positionals : releases
const failed: string[] = []
for (const release of wanted) {
  const node = await nodeOf(release)
  say(`Node.js ${release}: ${node}`)
  const tests = [join(projectRoot, 'dist/test/run.js'), ...(values.all ? [] : usual)]
  if ((await run(node, tests, dirname(node))) !== 0) failed.push(release)
}
say(failed.length === 0 ? `passed on ${wanted.join(', ')}` : `FAILED on ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1

/** The newest binary of a release, installed once. */
async function nodeOf(release: string): Promise<string> {
  const name = `node-${process.platform}-${process.arch}`
  const folder = join(projectRoot, 'node_modules/.cache/node', release)
  const flags = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline']
  await mkdir(folder, { recursive: true })
  const code = await run('npm', ['install', ...flags, '--prefix', folder, `${name}@${release}`])
  if (code !== 0) throw new Error(`npm has no ${name}@${release}: see above`)
  return join(folder, 'node_modules', name, 'bin/node')
}

/** With `first` in front of the path, so that what is started by name is of the same release. */
function run(file: string, args: readonly string[], first?: string): Promise<number | null> {
  const path = [first, process.env.PATH].filter(Boolean).join(delimiter)
  const child = spawn(file, args, {
    cwd: projectRoot,
    env: { ...process.env, PATH: path },
    stdio: 'inherit',
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
