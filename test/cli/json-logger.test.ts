import t from 'tap'
import { jsonLogger } from '../../lib/cli/json-logger.js'

t.test('records of the level and above are one JSON object a line', async (t) => {
  const lines: string[] = []
  const logger = jsonLogger('warn', { node: 'n1' }, (line) => lines.push(line))
  logger.debug({}, 'no')
  logger.info({}, 'no')
  logger.warn({ index: 3n }, 'two\nlines')
  const cause = Object.assign(new Error('inner'), { code: 'EIO' })
  logger.error({ err: new Error('outer', { cause }) }, 'failed')
  t.equal(lines.length, 2)
  t.ok(lines.every((line) => line.indexOf('\n') === line.length - 1))
  t.match(
    lines.map((line) => JSON.parse(line)),
    [
      { level: 'warn', node: 'n1', msg: 'two\nlines', index: '3', time: /^\d{4}-/ },
      { level: 'error', msg: 'failed', err: { message: 'outer', cause: { code: 'EIO' } } },
    ],
  )
})
