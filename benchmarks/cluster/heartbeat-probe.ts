import { BroadcastChannel, isMainThread } from 'node:worker_threads'
import { HeartbeatAnswerer } from '../../actors/inbound/heartbeat-answerer.js'
import { now } from '../../lib/runtime/clock.js'

/**
 * Imported into every thread of a node's process (`--import`). In the thread of the inbound actor it tells
 * the main thread when each heartbeat was looked at, before anything else is done with it.
 */
export const HEARTBEAT_CHANNEL = 'troupe-bench-heartbeats'

if (!isMainThread) watchHeartbeats()

function watchHeartbeats(): void {
  let channel: BroadcastChannel | null = null
  const { answer } = HeartbeatAnswerer.prototype
  HeartbeatAnswerer.prototype.answer = function (heartbeat, at) {
    if (channel === null) {
      channel = new BroadcastChannel(HEARTBEAT_CHANNEL)
      channel.unref()
    }
    channel.postMessage(now())
    return answer.call(this, heartbeat, at)
  }
}
