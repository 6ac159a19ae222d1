import t from 'tap'
import { formatTable } from '../../lib/cli/table.js'

t.test('columns are as wide as what is in them', async (t) => {
  const table = formatTable(
    ['ID', 'STATE', ''],
    [
      ['n1', 'follower', ''],
      ['node-2', '-', 'x'],
    ],
  )
  t.equal(table, 'ID      STATE\nn1      follower\nnode-2  -         x')
})
