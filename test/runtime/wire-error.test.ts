import t from 'tap'
import { asError, fromWireError, toWireError } from '../../lib/runtime/wire-error.js'

t.test('an error survives the way through a clone, code and all', async (t) => {
  const cause = Object.assign(new RangeError('the cause'), { code: 'INNER' })
  const error = Object.assign(new TypeError('outer', { cause }), {
    code: 'OUTER',
    details: { limit: 7, list: [1n] },
    errno: -2,
    syscall: 'open',
  })
  const back = fromWireError(structuredClone(toWireError(error)))
  t.ok(back instanceof Error)
  t.match(back, {
    name: 'TypeError',
    message: 'outer',
    code: 'OUTER',
    details: { limit: 7, list: [1n] },
    errno: -2,
    syscall: 'open',
    stack: error.stack,
    cause: { name: 'RangeError', message: 'the cause', code: 'INNER' },
  })
})

t.test('what cannot be cloned is dropped', async (t) => {
  const error = Object.assign(new Error('with a function'), {
    details: { callback: () => {} },
    socket: { write: () => {} },
    path: '/x',
  })
  const wire = toWireError(error)
  t.doesNotThrow(() => structuredClone(wire))
  t.equal(wire.details, null)
  t.strictSame(wire.fields, { path: '/x' })
})

t.test('a ring of causes ends', async (t) => {
  const error = new Error('its own cause')
  error.cause = error
  let depth = 0
  for (let wire = toWireError(error).cause; wire !== null; wire = wire.cause) depth++
  t.ok(depth > 0 && depth < 20)
})

t.test('anything may be thrown', async (t) => {
  for (const thrown of ['text', 42, undefined, null, Symbol('s'), Object.create(null)]) {
    const error = asError(thrown)
    t.ok(error instanceof Error)
    t.type(error.message, 'string')
  }
  t.equal(asError('text').message, 'text')
  const error = new Error('itself')
  t.equal(asError(error), error)
})
