import t from 'tap'
import { followerOf, members } from '../core/helpers/cores.js'
import { snapshotReceived } from '../core/helpers/inputs.js'

/**
 * Simulator, profile mixed, seed 504: a transfer was repeated, the second copy was taken for a late one
 * and discarded, and with it the snapshot that the log began with. The node could not start again.
 */
t.test('a snapshot that is received twice is installed once and not discarded', async (t) => {
  const node = followerOf('n2', 3, { log: [1, 2, 2, 2] })
  const snapshot = snapshotReceived(3, [9, 3], { index: 1, configuration: members(3) })
  t.ok(node.step(snapshot).some(({ kind }) => kind === 'restoreSnapshot'))
  t.same(node.step(snapshot), [])
})
