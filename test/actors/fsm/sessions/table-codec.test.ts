import t from 'tap'
import { splitState, stateSection } from '../../../../actors/fsm/sessions/state-section.js'
import { decodeTables } from '../../../../actors/fsm/sessions/table-codec.js'
import { Prng } from '../../../../lib/runtime/prng.js'
import { Tables } from './support.js'

/** One random thing that may happen to the tables; the answer, so that two can be compared. */
function happen(tables: Tables, ids: number[], random: Prng): unknown {
  const pick = (count: number) => Math.floor(random.random() * count)
  tables.pass(pick(120))
  const id = ids[pick(ids.length)] ?? 1
  switch (pick(10)) {
    case 0: {
      const opened = tables.open({ nonce: pick(100), maxSessions: 4, timeoutMs: 300 + pick(900) })
      ids.push(opened)
      return opened
    }
    case 1:
      return tables.keepAlive(id, pick(10))
    case 2:
      return pick(5) === 0 ? tables.close(id) : null
    case 3:
    case 4:
      return tables.key(`k${pick(6)}`, 'v'.repeat(pick(70)), { request: `r${pick(8) >> 2}` })
    default:
      return tables.command(id, 1 + pick(30), 'w'.repeat(pick(60)), pick(12))
  }
}

t.test('tables that were written and read go on alike, whatever happens (seeded)', async (t) => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Prng(seed)
    const one = new Tables()
    const ids: number[] = []
    for (let i = 0; i < 80; i++) happen(one, ids, random)
    const two = new Tables()
    two.repetitions = decodeTables(one.bytes)
    two.index = one.index
    two.time = one.time
    if (!Buffer.from(two.bytes).equals(one.bytes)) t.fail(`seed ${seed}: not the same tables`)
    const [left, right] = [new Prng(seed + 1000), new Prng(seed + 1000)]
    const otherIds = [...ids]
    for (let i = 0; i < 80; i++) {
      const answers = [happen(one, ids, left), happen(two, otherIds, right)]
      if (JSON.stringify(answers[0]) !== JSON.stringify(answers[1])) {
        t.strictSame(answers[1], answers[0], `seed ${seed}, step ${i}`)
      }
    }
    if (!Buffer.from(two.bytes).equals(one.bytes)) t.fail(`seed ${seed}: they went apart`)
  }
})

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function all(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of source) parts.push(part)
  return Buffer.concat(parts)
}

const tables = Buffer.from('some tables')

t.test('the section is found in front of the state, however it is cut into chunks', async (t) => {
  const state = Buffer.concat([stateSection(tables), Buffer.from('the state')])
  for (let size = 1; size <= state.length; size++) {
    const split = await splitState(chunks(state, size))
    t.strictSame(Buffer.from(split.tables ?? []), tables)
    t.equal((await all(split.machine)).toString(), 'the state')
  }
})

t.test('a state without the section is the state machine’s alone', async (t) => {
  for (const text of ['', 'x', 'shorter', 'a state of an earlier release']) {
    const split = await splitState(chunks(Buffer.from(text), 3))
    t.equal(split.tables, null)
    t.equal((await all(split.machine)).toString(), text)
  }
})

t.test('a damaged section, or one that is cut off, is never half read', async (t) => {
  const section = stateSection(tables)
  for (let at = 8; at < section.length; at++) {
    const damaged = Buffer.from(section)
    damaged[at] = (damaged[at] ?? 0) ^ 1
    await t.rejects(splitState(chunks(damaged, 10)), { code: 'RAFT_CORRUPT' })
    await t.rejects(splitState(chunks(section.subarray(0, at), 10)), { code: 'RAFT_CORRUPT' })
  }
})
