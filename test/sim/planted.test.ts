import { readFileSync } from 'node:fs'
import t from 'tap'
import { plantedBugs } from './planted/index.js'

t.test('every planted bug still has the text that it changes', async (t) => {
  for (const { name, edits } of plantedBugs) {
    for (const { file, find } of edits) {
      const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
      t.ok(text.includes(find), `${name}: ${file}`)
    }
  }
})
