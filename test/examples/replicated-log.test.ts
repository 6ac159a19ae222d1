import t from 'tap'
import { runExample } from './support/run-example.js'

t.test('the embedding example prints what the README says, and remembers it', async (t) => {
  const cwd = t.testdir()
  t.same(await runExample('replicated-log', cwd), ['leader has hello'])
  t.same(await runExample('replicated-log', cwd), ['leader has hello, hello'])
})
