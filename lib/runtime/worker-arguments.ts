/** Options that a worker takes and that say how modules are found and loaded, with a value of their own. */
const LOADING_WITH_VALUE = new Set([
  '--import',
  '--require',
  '-r',
  '--loader',
  '--experimental-loader',
  '--conditions',
  '-C',
])

const LOADING = /^--(enable-source-maps|no-warnings|preserve-symlinks|experimental-[a-z-]+)$/

/**
 * The `execArgv` for a worker that is to inherit this process's options, or undefined when inheriting as
 * Node.js does it works. It does not for a program given as text with `--input-type`: that option is about
 * the text, and Node.js refuses to start a file with it. Then only options about loading are passed on.
 */
export function inheritedArguments(execArgv: readonly string[]): string[] | undefined {
  if (!execArgv.some((argument) => argument.startsWith('--input-type'))) return undefined
  const kept: string[] = []
  for (let i = 0; i < execArgv.length; i++) {
    const argument = execArgv[i] ?? ''
    const [option = ''] = argument.split('=', 1)
    if (LOADING.test(option)) kept.push(argument)
    if (!LOADING_WITH_VALUE.has(option)) continue
    kept.push(argument)
    const value = execArgv[i + 1]
    if (argument.includes('=') || value === undefined) continue
    kept.push(value)
    i++
  }
  return kept
}
