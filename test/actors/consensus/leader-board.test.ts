import t from 'tap'
import {
  allocateLeaderBoard,
  LeaderBoardReader,
  LeaderBoardWriter,
} from '../../../actors/consensus/leader-board.js'
import { PIN_FIRST_REPLICATOR, PIN_LAST_REPLICATOR } from '../../../lib/log/slab.js'
import { SharedWords } from '../../../lib/runtime/shared-words.js'

function board(slot = PIN_FIRST_REPLICATOR) {
  const words = new SharedWords(allocateLeaderBoard())
  return {
    words,
    writer: new LeaderBoardWriter(words),
    reader: new LeaderBoardReader(words, slot),
  }
}

t.test('S11: a replicator sees how long consensus has been silent', async (t) => {
  const { writer, reader } = board()
  writer.consensusAliveAt = 1000
  t.equal(reader.silence(1250), 250)
})

t.test('S11: and how long the oldest append has waited for its flush', async (t) => {
  const { writer, reader } = board()
  t.equal(reader.flushAge(9000), 0)
  writer.oldestUnflushedAt = 1000
  t.equal(reader.flushAge(1250), 250)
  writer.oldestUnflushedAt = 0
  t.equal(reader.flushAge(9000), 0)
})

t.test('an append at the very first moment of a clock waits too', async (t) => {
  const { writer, reader } = board()
  writer.oldestUnflushedAt = 0.25
  t.equal(reader.flushAge(501), 500)
})

t.test('the commit index crosses whole, up to 2^53 - 1', async (t) => {
  const { writer, reader } = board()
  t.equal(reader.commitIndex, 0)
  writer.commitIndex = Number.MAX_SAFE_INTEGER
  t.equal(reader.commitIndex, Number.MAX_SAFE_INTEGER)
})

t.test('S11: one replicator’s word revokes the term and all before it', async (t) => {
  const { words, writer, reader } = board(PIN_LAST_REPLICATOR)
  const other = new LeaderBoardReader(words, PIN_FIRST_REPLICATOR)
  t.notOk(writer.isRevoked(7))
  reader.revoke(7)
  t.ok(writer.isRevoked(7) && reader.isRevoked(7))
  t.ok(writer.isRevoked(6))
  t.notOk(writer.isRevoked(8))
  reader.revoke(3)
  t.ok(reader.isRevoked(7), 'the word never goes back')
  t.ok(other.isRevoked(7), 'and its peers, who speak for the same leader, see it')
  t.equal(writer.isRevoked(7), true)
})

t.test('no replicator writes over the words of consensus', async (t) => {
  const words = new SharedWords(allocateLeaderBoard())
  for (const slot of [PIN_FIRST_REPLICATOR - 1, PIN_LAST_REPLICATOR + 1]) {
    t.throws(() => new LeaderBoardReader(words, slot), { code: 'RAFT_INVARIANT' })
  }
  t.equal(words.length, PIN_LAST_REPLICATOR + 1)
})
