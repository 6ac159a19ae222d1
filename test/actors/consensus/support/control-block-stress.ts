import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { ControlBlockReader } from '../../../../actors/consensus/control-block.js'
import type { Heartbeat } from '../../../../lib/core/rpc.js'
import { SharedWords } from '../../../../lib/runtime/shared-words.js'

/** Word 0: 1 stops the reader; word 1 + term: the contact that the withdrawal of that term saw. */
export const STRESS_WORDS = 20_002

export function leaderOf(term: number): string {
  return `n${term % 3}`
}

function heartbeatOf(term: number): Heartbeat {
  return {
    kind: 'heartbeat',
    term,
    leader: leaderOf(term),
    addedAt: 1,
    incarnation: 'own',
    probe: 1,
    sentAt: 0,
    leaseMs: 500,
  }
}

/** The inbound side of the stress: answers as fast as it can whatever block it finds. */
function answerUntilStopped(control: SharedArrayBuffer, stress: SharedArrayBuffer): void {
  const block = new SharedWords(control)
  const reader = new ControlBlockReader(block)
  const words = new SharedWords(stress)
  const answered = new Map<number, number>()
  parentPort?.postMessage('ready')
  for (let now = 1; words.load(0) === 0; now++) {
    const term = block.load(1)
    if (reader.answer(heartbeatOf(term), now)) answered.set(term, now)
  }
  parentPort?.postMessage([...answered])
}

if (!isMainThread && workerData?.control !== undefined) {
  answerUntilStopped(workerData.control, workerData.stress)
}
