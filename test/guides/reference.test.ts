import t from 'tap'
import { errorTable } from '../../lib/node/error-codes.js'
import { readGuide } from './support/guide-blocks.js'

/** `RAFT_X`: outcome, whether it may be repeated, HTTP status. */
function rows(): ReadonlyMap<string, readonly string[]> {
  const lines = readGuide('lib/node/README.md').matchAll(
    /^\| `(RAFT_\w+)` \|(.*)\|(.*)\|(.*)\|.+\|$/gm,
  )
  return new Map(
    [...lines].map(([, code = '', ...cells]) => [
      code,
      cells.slice(0, 3).map((cell) => cell.trim()),
    ]),
  )
}

t.test('the table of errors has every code, with what follows from it', async (t) => {
  const told = rows()
  t.same([...told.keys()].sort(), Object.keys(errorTable).sort())
  for (const [code, { outcome, retryable, http }] of Object.entries(errorTable)) {
    const [saidOutcome, ...rest] = told.get(code) ?? []
    t.same(rest, [retryable ? 'yes' : '', String(http)], code)
    // "As it is": the error says it, its code does not.
    if (saidOutcome !== 'as it is') t.equal(saidOutcome, outcome ?? '', code)
  }
})
