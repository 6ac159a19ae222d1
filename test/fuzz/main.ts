import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/**
 * `npm run fuzz -- --seconds 60 [--from SEED] [NAME]`: each target for so long, from that seed on; NAME is a file of
 * this folder, e.g. `wire`. A failing input is told with its seed, and ends with 1.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '10' },
    from: { type: 'string', default: '1' },
  },
})

const folder = dirname(fileURLToPath(import.meta.url))
const files = readdirSync(folder).filter((name) => name.endsWith('.test.js'))
const chosen = files.filter(
  (name) => positionals.length === 0 || positionals.includes(name.replace('.test.js', '')),
)
const env = {
  ...process.env,
  TROUPE_FUZZ_SECONDS: values.seconds,
  TROUPE_FUZZ_FROM: values.from,
  // However long the whole takes.
  TAP_TIMEOUT: '0',
}
for (const name of chosen) {
  const { status } = spawnSync(process.execPath, [join(folder, name)], { env, stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
