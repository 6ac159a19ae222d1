import { join } from 'node:path'
import { open, type RootDatabase, type Transaction } from 'lmdb'
import { DataDirLockedError } from './store.js'

/** A held lock. Its holder's death releases it, however it dies. */
export interface DirectoryLock {
  release(): Promise<void>
}

/**
 * Locks a data directory against other processes, and against other threads of this one (S16).
 *
 * Node has no file locks of its own, and a file with a process id goes stale and means nothing in
 * another container. So the lock is a reader's seat in a small LMDB environment that nobody writes to:
 * LMDB marks each seated process with a lock of the operating system, which ends with the process,
 * SIGKILL or not, and it is seen through process and network namespaces. Seats are looked at and taken
 * inside a write transaction, whose mutex is freed by the system too; so two contenders never both win.
 * @throws DataDirLockedError
 */
export async function lockDirectory(dataDir: string): Promise<DirectoryLock> {
  const environment = open({
    path: join(dataDir, 'lock'),
    encoding: 'binary',
    maxDbs: 1,
    maxReaders: 16,
    overlappingSync: false,
  })
  let holder: string | null
  let seat: Transaction | null = null
  try {
    holder = environment.transactionSync(() => {
      environment.readerCheck()
      const seated = firstReader(environment.readerList())
      if (seated === null) seat = environment.useReadTransaction()
      return seated
    })
  } catch (error) {
    await environment.close()
    throw new DataDirLockedError(`${dataDir} cannot be locked: ${String(error)}`, { cause: error })
  }
  if (holder === null) return new Seat(environment, seat)
  await environment.close()
  const who = holder === String(process.pid) ? 'this process' : `process ${holder}`
  throw new DataDirLockedError(
    `${dataDir} is in use by ${who}; stop it first, or give this node a directory of its own`,
  )
}

/** Keeps the read transaction from the garbage collector, which would give the seat back. */
class Seat implements DirectoryLock {
  readonly #environment: RootDatabase
  readonly #transaction: Transaction | null

  constructor(environment: RootDatabase, transaction: Transaction | null) {
    this.#environment = environment
    this.#transaction = transaction
  }

  async release(): Promise<void> {
    this.#transaction?.done()
    await this.#environment.close()
  }
}

/** Process id of the first seated reader. The list is a heading and a line for each: pid, thread, txn. */
function firstReader(list: string): string | null {
  return /^\s*(\d+)\s+[0-9a-f]+\s+\S+$/m.exec(list)?.[1] ?? null
}
