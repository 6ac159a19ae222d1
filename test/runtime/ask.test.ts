import t from 'tap'
import { onEveryHost } from './support/stage.js'

onEveryHost(t, 'ask resolves with the answer, at once or later', async (t, stage) => {
  const probe = await stage.spawn('a')
  const value = { list: [1, 2n], bytes: new Uint8Array([1, 2]) }
  t.strictSame(await stage.settle(probe.ref.ask({ kind: 'echo', value })), value)
  t.strictSame(await stage.settle(probe.ref.ask({ kind: 'echoLater', value })), value)
})

for (const kind of ['throw', 'reject'] as const) {
  onEveryHost(
    t,
    `an answer that fails (${kind}) rejects with code and details`,
    async (t, stage) => {
      const probe = await stage.spawn('a')
      const asked = stage.settle(probe.ref.ask({ kind }))
      await t.rejects(asked, {
        name: 'ProbeError',
        code: 'PROBE',
        details: { limit: 7 },
        syscall: 'probe',
        message: 'the probe was told to fail',
        cause: { name: 'RangeError', message: 'the cause' },
      })
      t.equal(
        await stage.settle(probe.ref.ask({ kind: 'echo', value: 5 })),
        5,
        'and the actor goes on',
      )
    },
  )
}

onEveryHost(t, 'an ask that is pending when its actor exits is rejected', async (t, stage) => {
  const probe = await stage.spawn('a')
  const pending = probe.ref.ask({ kind: 'echoNever' })
  const queued = probe.ref.ask({ kind: 'echo', value: 1 })
  const rejected = Promise.all([
    t.rejects(pending, { code: 'ACTOR_GONE' }),
    t.rejects(queued, { code: 'ACTOR_GONE' }),
  ])
  await stage.settle(probe.kill())
  await stage.settle(rejected)
  await t.rejects(probe.ref.ask({ kind: 'echo', value: 1 }), { code: 'ACTOR_GONE' })
})

onEveryHost(t, 'an ask over a link is rejected when the far actor exits', async (_t, stage) => {
  const a = await stage.spawn('a')
  const b = await stage.spawn('b')
  stage.system.link(a, 'b', b)
  a.ref.tell({ kind: 'askOver', link: 'b', message: { kind: 'echo', value: [1] } })
  await stage.noted('a', 'answer [1]')
  a.ref.tell({ kind: 'askOver', link: 'b', message: { kind: 'throw' } })
  await stage.noted('a', 'error PROBE')
  a.ref.tell({ kind: 'askOver', link: 'b', message: { kind: 'echoNever' } })
  await stage.noted('b', 'asked')
  await stage.settle(b.kill())
  await stage.noted('a', 'error ACTOR_GONE')
  await stage.noted('a', 'unlinked b')
})

onEveryHost(t, 'a behaviour without answer says so', async (t, stage) => {
  const handle = await stage.settle(
    stage.system.spawn({
      name: 'mute',
      module: new URL(import.meta.url),
      create: () => ({ receive: () => {} }),
      init: null,
      placement: 'inline',
    }),
  )
  await t.rejects(stage.settle(handle.ref.ask({ kind: 'anything' })), {
    code: 'ACTOR_CANNOT_ANSWER',
    details: { actor: 'mute', kind: 'anything' },
  })
})
