import { execFile } from 'node:child_process'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { DevCluster, type DevPlace, devPlace } from '../helpers/dev-cluster.js'
import { mainPath } from '../helpers/troupe-process.js'
import { type GuideBlock, guideBlocks, placeOf } from './support/guide-blocks.js'
import { differences } from './support/printed.js'

/**
 * The commands in the guides, run as they stand there in front of the cluster that `npm start` gives: those of
 * blocks marked `sh run`, whose output is told behind `#`, and those of `console` blocks.
 */

const blocks = guideBlocks()

t.test('commands print what the guides say', async (t) => {
  const place = await devPlace(t)
  await DevCluster.start(t, place)
  // The directory that `devPlace` has made; asking for it again would empty it.
  const run = await shellIn(t.testdirName, place)

  for (const block of blocks.filter(isRun)) {
    await t.test(placeOf(block), async (t) => {
      for (const { command, shown } of commandsOf(block)) {
        const { stdout, failed } = await run(command)
        t.notOk(failed, `${command}: ${failed}`)
        if (shown !== null) t.same(differences(shown, stdout), [], command)
      }
    })
  }
})

function isRun({ language, words }: GuideBlock): boolean {
  return language === 'console' || (language === 'sh' && words.includes('run'))
}

interface Command {
  readonly command: string
  readonly shown: string | null
}

function commandsOf({ language, text }: GuideBlock): readonly Command[] {
  if (language === 'console') {
    return text
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const [command = '', ...output] = part.split('\n')
        return { command, shown: output.join('\n') }
      })
  }
  const lines = text.replaceAll('\\\n', ' ').split('\n')
  return lines
    .filter((line) => /^[^#\s]/.test(line))
    .map((line) => {
      const [command = '', shown = null] = line.split(/ {2,}# /)
      return { command, shown }
    })
}

/** A shell that knows `troupe`, and for which the ports of the guides are those of the test's cluster. */
async function shellIn(cwd: string, { httpBase, raftBase }: DevPlace) {
  const path = join(cwd, 'troupe')
  await writeFile(path, `#!/bin/sh\nexec '${process.execPath}' '${mainPath}' "$@"\n`)
  await chmod(path, 0o755)
  const env = {
    ...process.env,
    PATH: `${cwd}:${process.env.PATH}`,
    TROUPE_HTTP: `http://127.0.0.1:${httpBase + 1}`,
  }
  const real = (text: string) =>
    text
      .replaceAll(/:870(\d)/g, (_, i) => `:${httpBase + Number(i)}`)
      .replaceAll(/:770(\d)/g, (_, i) => `:${raftBase + Number(i)}`)
  return (command: string) =>
    new Promise<{ readonly stdout: string; readonly failed: string | null }>((resolve) => {
      execFile('/bin/sh', ['-c', real(command)], { cwd, env }, (error, stdout, stderr) =>
        resolve({ stdout, failed: error === null ? null : `${error.message} ${stderr}` }),
      )
    })
}
