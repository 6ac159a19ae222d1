import { readdir } from 'node:fs/promises'
import t from 'tap'
import { runCommand } from '../../benchmarks/command.js'

/** Runs the command in an empty directory and looks at everything it leaves. */
async function run(t: { testdir(): string }, args: readonly string[]) {
  const dir = t.testdir()
  let out = ''
  let err = ''
  const code = await runCommand([...args, '--dir', dir], {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
  })
  return { code, out, err, left: await readdir(dir) }
}

async function lines(t: { testdir(): string }, args: readonly string[]) {
  const { code, out, err, left } = await run(t, [...args, '--json'])
  const found = out.trim().split('\n')
  return { code, err, left, lines: found.map((line) => JSON.parse(line) as Line) }
}

type Line = Readonly<Record<string, string | number | null>>

t.test('an unknown benchmark, flag or value ends with code 2 and says what is known', async (t) => {
  t.match(await run(t, ['replicated']), {
    code: 2,
    out: '',
    err: /expected NAME to be one of replicated-log, fsm-batch, store, .*found "replicated"/,
  })
  t.match(await run(t, ['toString']), { code: 2 }, 'also a name that every object has')
  t.match(await run(t, []), { code: 2, err: /usage: npm run bench -- NAME/ })
  t.match(await run(t, ['store', '--stores=wal']), { code: 2, err: /--stores/ })
  t.match(await run(t, ['store', '--store', 'disk']), { code: 2, err: /expected one of lmdb/ })
  const nowhere = await runCommand(['store', '--dir', '/dev/null/x'], {
    out: t.fail,
    err: () => {},
  })
  t.equal(nowhere, 2, 'and a directory that cannot be')
})

t.test(
  'with --json each line has the benchmark, its flags, its figures and the machine',
  async (t) => {
    const found = await lines(t, ['store', '--store', 'memory', '--seconds', '0.01'])
    t.match(found, { code: 0, err: '', left: [] })
    t.same(
      found.lines.map(({ operation }) => operation),
      'StoreLog StoreLogs GetLog FirstIndex LastIndex DeleteRange Set Get SetUint64 GetUint64'.split(
        ' ',
      ),
    )
    for (const line of found.lines) {
      t.match(line, { bench: 'store', store: 'memory', size: 256, batch: 64, seconds: 0.01 })
      t.match(line, {
        ops_s: Number,
        flushes: Number,
        node_version: process.version,
        cores: Number,
      })
    }
  },
)

t.test('without --json there is a heading and a table', async (t) => {
  const { code, out } = await run(t, ['store', '--store=memory', '--seconds=0.01'])
  t.equal(code, 0)
  t.match(
    out,
    /^store --store memory --size 256 --batch 64 --seconds 0.01\n.*Node.js v.*flush takes/,
  )
  t.equal(out.match(/operation +ops_s +flushes/g)?.length, 1, 'one row of names')
  t.match(out, /GetUint64 +[\d,]+ +0\n$/)
})
