import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import ts from 'typescript'
import { freePortBase } from '../helpers/free-ports.js'
import { type GuideBlock, guideBlocks, placeOf } from './support/guide-blocks.js'
import { compileBlocks, filesOf } from './support/guide-program.js'

/** The programs in the guides: all compile, and what is marked `run` prints what the next block says. */

const blocks = guideBlocks().filter(({ language }) => /^[jt]s$/.test(language))

t.test('every program in a guide compiles against the built package', async (t) => {
  t.ok(blocks.length > 5)
  t.same(compileBlocks(blocks), [])
})

for (const block of blocks.filter(({ words }) => words.includes('run'))) {
  t.test(`${placeOf(block)} prints what the guide says`, async (t) => {
    const cwd = t.testdir()
    t.equal(await run(block, cwd), block.next?.text)
  })
}

/** The last file of the block is the program. Its ports are exchanged for free ones. */
async function run(block: GuideBlock, cwd: string): Promise<string> {
  const base = await freePortBase(8)
  let main = ''
  for (const [name, source] of filesOf(block)) {
    const free = source.replaceAll(
      /127\.0\.0\.1:[78]80(\d)/g,
      (_, i) => `127.0.0.1:${base + Number(i)}`,
    )
    main = join(cwd, name.replace(/\.ts$/, '.js'))
    await writeFile(main, javaScript(free))
  }
  const child = spawn(process.execPath, [main], { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
  return text(child.stdout)
}

function javaScript(source: string): string {
  const target = ts.ScriptTarget.ES2022
  return ts.transpileModule(source, {
    compilerOptions: { target, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
  }).outputText
}
