import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const program = fileURLToPath(new URL('../../lib/examples/replicated-log.js', import.meta.url))

async function run(cwd: string): Promise<string> {
  const child = spawn(process.execPath, [program], { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
  return text(child.stdout)
}

t.test('the embedding example prints what the README says, and remembers it', async (t) => {
  const cwd = t.testdir()
  t.equal(await run(cwd), 'leader has hello\n')
  t.equal(await run(cwd), 'leader has hello, hello\n')
})
