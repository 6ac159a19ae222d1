import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { tellAgain } from './helpers/story.js'

/**
 * Runs the stories in test/core/scenarios; helpers/story.ts explains their commands. With `--rewrite`
 * the files take what happens now as what is expected: read the difference before you commit it.
 */

const FOLDER = join('test', 'core', 'scenarios')

/** The stories lie with the sources, in a folder above that of the build. */
function findStories(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const stories = join(folder, FOLDER)
    if (existsSync(join(stories, 'election.txt'))) return stories
    if (folder === dirname(folder)) throw new Error(`no folder above the build has ${FOLDER}`)
  }
}

const stories = findStories()
const rewrite = process.argv.includes('--rewrite')

for (const file of readdirSync(stories).filter((name) => name.endsWith('.txt'))) {
  t.test(file, async (t) => {
    const path = join(stories, file)
    const expected = readFileSync(path, 'utf8')
    const told = tellAgain(expected)
    if (rewrite) writeFileSync(path, told)
    else t.equal(told, expected)
  })
}
