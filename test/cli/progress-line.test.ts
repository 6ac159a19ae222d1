import t from 'tap'
import { ProgressLine } from '../../lib/cli/progress-line.js'

function lineOn(isTTY: boolean) {
  const time = { now: 0 }
  const written: string[] = []
  const output = { isTTY, write: (text: string) => written.push(text) }
  return { time, written, line: new ProgressLine(output, () => time.now) }
}

t.test(
  'on a terminal one line changes, at most ten times a second, and goes at the end',
  async (t) => {
    const { time, written, line } = lineOn(true)
    line.show('replay', 1, 200, 'entries')
    t.strictSame(written, [], 'what is quick is not shown')
    time.now = 100
    line.show('replay', 50, 200, 'entries')
    line.show('replay', 60, 200, 'entries')
    time.now = 200
    line.show('replay', 150, 200, 'entries')
    line.show('replay', 200, 200, 'entries')
    t.strictSame(written, [
      '\r\x1b[Kreplay 25 % (50 entries of 200 entries)',
      '\r\x1b[Kreplay 75 % (150 entries of 200 entries)',
      '\r\x1b[K',
    ])
  },
)

t.test(
  'elsewhere a plain line is written every ten seconds, and none for what is quicker',
  async (t) => {
    const { time, written, line } = lineOn(false)
    const mib = 1024 * 1024
    for (time.now = 0; time.now < 25_000; time.now += 1000)
      line.show('restore', mib, 4 * mib, 'bytes')
    line.show('restore', 4 * mib, 4 * mib, 'bytes')
    const text = 'restore 25 % (1.0 MiB of 4.0 MiB)\n'
    t.strictSame(written, [text, text])
  },
)

t.test('others may write in between', async (t) => {
  const { time, written, line } = lineOn(true)
  line.clear()
  time.now = 100
  line.show('install', 1, 2, 'bytes')
  line.clear()
  line.clear()
  t.strictSame(written, ['\r\x1b[Kinstall 50 % (1 bytes of 2 bytes)', '\r\x1b[K'])
})
