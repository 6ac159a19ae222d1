import { spawnSync } from 'node:child_process'

/** A file system of its own at a directory, as large as a test says; Linux, and who may mount. */
export class SmallDisk {
  readonly #path: string

  private constructor(path: string) {
    this.#path = path
  }

  /** Null where this process may not mount. */
  static mount(path: string, megabytes: number): SmallDisk | null {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return null
    const mounted = run('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path])
    return mounted ? new SmallDisk(path) : null
  }

  /** Room comes, as when somebody else's files are deleted. */
  grow(megabytes: number): void {
    const grown = run('mount', ['-o', `remount,size=${megabytes}m`, this.#path])
    if (!grown) throw new Error(`${this.#path} cannot be made larger`)
  }

  unmount(): void {
    run('umount', [this.#path])
  }
}

function run(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}
