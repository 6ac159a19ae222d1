import { accessSync, constants, existsSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The program of the `troupe` command. */
export const mainPath = fileURLToPath(new URL('./main.js', import.meta.url))

/** A line for a shell in the current directory that runs `troupe` with these arguments. */
export function runnableLine(args: readonly string[]): string {
  const start = npxFinds(process.cwd()) ? ['npx', 'troupe'] : [process.execPath, mainPath]
  return [...start, ...args].map(quoted).join(' ')
}

/** Whether npx, started there, runs this very program (never one of that name from a registry). */
function npxFinds(directory: string): boolean {
  try {
    accessSync(mainPath, constants.X_OK)
    const installed = join(directory, 'node_modules', '.bin', 'troupe')
    if (existsSync(installed)) return realpathSync(installed) === realpathSync(mainPath)
    const { name, bin } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
    return name === 'troupe' && realpathSync(join(directory, bin.troupe)) === realpathSync(mainPath)
  } catch {
    return false
  }
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
