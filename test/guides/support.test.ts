import t from 'tap'
import { differences, shapeOf } from './support/printed.js'

const shown = `
ID  SUFFRAGE          RAFT            CONTACT  ROUND TRIP
n1  voter     leader  127.0.0.1:7701  0 ms     0.0 ms
n2  voter             127.0.0.1:7702  32 ms    0.6 ms

configuration 1
`

t.test('what is printed may differ from the guide in numbers, widths and who leads', async (t) => {
  const printed = `
ID  SUFFRAGE          RAFT             CONTACT  ROUND TRIP
n1  voter             127.0.0.1:12701  110 ms   0.1 ms
n2  voter     leader  127.0.0.1:12702  0 ms     0.0 ms

configuration 12
`
  t.same(differences(shown, printed), [])
  t.same(shapeOf('{"index":3}\n'), ['{"index":0}'])
})

t.test('it may not differ in words, columns or lines', async (t) => {
  t.same(differences('hello', 'hallo'), ['not printed: hello', 'untold: hallo'])
  t.not(differences(shown, shown.replaceAll('voter', 'nonvoter')).length, 0)
  t.not(differences(shown, shown.replace('CONTACT', 'HEARD  ')).length, 0)
  t.same(differences('a\n…', 'a\nb\nc'), [])
})
