import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** Memory of a process that is in RAM, and of what kind it is; null where only Linux can tell. */
export interface ResidentMemory {
  readonly rssMb: number
  readonly anonymousMb: number | null
  /** SharedArrayBuffers are not among them: Node.js takes those from anonymous memory. */
  readonly sharedMb: number | null
  /** Programs, and pages of LMDB's file that the system may drop at any time. */
  readonly mappedFilesMb: number | null
}

export async function residentMemory(pid: number): Promise<ResidentMemory> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => null)
  if (status === null) return { ...(await rssOf(pid)) }
  const megabytes = (name: string): number => {
    const [, kib = '0'] = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status) ?? []
    return Math.round(Number(kib) / 1024)
  }
  return {
    rssMb: megabytes('VmRSS'),
    anonymousMb: megabytes('RssAnon'),
    sharedMb: megabytes('RssShmem'),
    mappedFilesMb: megabytes('RssFile'),
  }
}

async function rssOf(pid: number): Promise<ResidentMemory> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)])
  const rssMb = Math.round(Number(stdout.trim()) / 1024)
  return { rssMb, anonymousMb: null, sharedMb: null, mappedFilesMb: null }
}
