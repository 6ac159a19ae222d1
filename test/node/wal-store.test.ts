import t from 'tap'
import { walStore } from '../../lib/log/stores.js'
import { Lists, text } from './fixtures/list-cluster.js'

t.test(
  'nodes on write-ahead logs restart, one by one and all at once, with everything',
  async (t) => {
    const dataDir = t.testdir({ n1: {}, n2: {}, n3: {} })
    const options = (id: string) => ({
      dataDir: `${dataDir}/${id}`,
      store: walStore({ segmentBytes: 128 * 1024 }),
      threads: 'dedicated' as const,
    })
    await using lists = await Lists.start({ options })
    const expected: string[] = []
    const write = async (count: number): Promise<number> => {
      let last = 0
      for (let n = 0; n < count; n++) {
        const command = `${expected.length} ${'x'.repeat(4000)}`
        const { index } = await (await lists.cluster.leader()).apply(text(command))
        expected.push(command)
        last = index
      }
      return last
    }
    await lists.allTexts(await write(20))
    for (const id of lists.cluster.ids) {
      await lists.cluster.stop(id)
      await write(10)
      await lists.cluster.start(id)
      for (const texts of await lists.allTexts(await write(1))) t.same(texts, expected)
    }
    for (const id of lists.cluster.ids) await lists.cluster.stop(id)
    await Promise.all(lists.cluster.ids.map((id) => lists.cluster.start(id)))
    for (const texts of await lists.allTexts(await write(1))) t.same(texts, expected)
  },
)
