import t from 'tap'
import { amount, anyOf, oneOf, readFlags, someOf, text, whole } from '../../benchmarks/flags.js'

const rules = {
  nodes: whole(3, 1, 9),
  seconds: amount(5, 0.1, 60),
  store: oneOf('lmdb', 'wal', 'memory'),
  only: someOf(['a', 'b', 'c']),
  also: anyOf(['d', 'e']),
  shapes: text('256x1', 'SIZExINFLIGHT', /^\d+x\d+$/),
}

t.test('a flag that is not given has its default', async (t) => {
  const found = readFlags(rules, [])
  const others = { only: 'a,b,c', also: 'none', shapes: '256x1' }
  t.same(found, { nodes: 3, seconds: 5, store: 'lmdb', ...others })
  t.match(readFlags(rules, ['--also=e,d']), { also: 'e,d' })
})

t.test('--flag value and --flag=value are alike, and the last one counts', async (t) => {
  const args = ['--nodes', '5', '--seconds=0.5', '--store=wal', '--nodes=7', '--only', 'c,a']
  t.match(readFlags(rules, args), { nodes: 7, seconds: 0.5, store: 'wal', only: 'c,a' })
})

t.test('what a flag cannot be is refused with what was expected and what was found', async (t) => {
  const refused = (args: readonly string[], message: RegExp): void => {
    t.throws(() => readFlags(rules, args), { name: 'UsageError', message }, args.join(' '))
  }
  refused(['--nodes', '0'], /--nodes: expected a whole number from 1 to 9, found "0"/)
  refused(['--nodes=1.5'], /--nodes: expected a whole number/)
  refused(['--seconds=fast'], /--seconds: expected a number from 0.1 to 60, found "fast"/)
  refused(['--store=disk'], /--store: expected one of lmdb, wal, memory, found "disk"/)
  refused(['--only=a,d'], /--only: expected some of a, b, c/)
  refused(['--also=e,f'], /--also: expected none, or some of d, e/)
  refused(['--shapes=256'], /--shapes: expected SIZExINFLIGHT, found "256"/)
})

t.test('an unknown flag, a flag without its value and a stray word are refused', async (t) => {
  for (const args of [['--node=3'], ['--nodes'], ['3']]) {
    t.throws(() => readFlags(rules, args), { name: 'UsageError' }, args.join(' '))
  }
  t.throws(() => readFlags(rules, ['--node=3']), { message: /--node.*\nflags: --nodes --seconds/ })
})
