import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

/** The file of an example, as it was built. */
export function exampleFile(name: string): string {
  return fileURLToPath(new URL(`../../../lib/examples/${name}.js`, import.meta.url))
}

/** Runs it to its end, as a user would; its lines. What it writes to stderr shows in the test. */
export async function runExample(name: string, cwd: string): Promise<readonly string[]> {
  const child = spawn(process.execPath, [exampleFile(name)], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const printed = await text(child.stdout)
  return printed.trimEnd().split('\n')
}
