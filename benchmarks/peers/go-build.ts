import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** From dist/benchmarks/peers. */
const root = new URL('../../../', import.meta.url)
const sources = fileURLToPath(new URL('benchmarks/peers/', root))
/** Git ignores it. */
const programs = fileURLToPath(new URL('.build/peers/', root))

export type Built =
  | { readonly ok: true; readonly program: string }
  /** Why it cannot take part. */
  | { readonly ok: false; readonly reason: string }

/** Builds one of the Go programs here; quick when nothing has changed since the last time. */
export async function buildPeer(name: 'hashicorp' | 'etcd'): Promise<Built> {
  try {
    await promisify(execFile)('go', ['build', '-buildvcs=false', '-o', programs, `./${name}`], {
      cwd: sources,
    })
    return { ok: true, program: `${programs}${name}` }
  } catch (error) {
    const { code, stderr = '' } = error as { code?: string | number; stderr?: string }
    if (code === 'ENOENT') return { ok: false, reason: 'go is not installed' }
    const [first = 'go build failed'] = stderr.trim().split('\n').slice(-1)
    return { ok: false, reason: `go build failed: ${first}` }
  }
}
