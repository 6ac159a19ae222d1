import { Option } from 'commander'
import { after } from '../runtime/clock.js'
import type { StopSignals } from './stop-signals.js'

/**
 * For a process whose parent holds the other end of an IPC channel: when the parent is gone, however it
 * ended, the process stops. `troupe dev` starts its nodes so; left behind they would be in the way of
 * the next cluster.
 */
export function exitWithParentOption(): Option {
  return new Option('--exit-with-parent', 'stop when the IPC channel closes')
    .env('TROUPE_EXIT_WITH_PARENT')
    .hideHelp()
}

export function stopWithParent(signals: StopSignals): void {
  if (process.send === undefined) return
  process.once('disconnect', () => signals.request('disconnect'))
  process.channel?.unref()
  if (!process.connected) signals.request('disconnect')
}

const lookAgainMs = 200

/**
 * `npm start` runs a shell which runs this process. A signal to npm reaches the shell, which may die of
 * it without passing it on; this process then gets another parent, and that is its sign to stop.
 * Returns what ends the watch.
 */
export function stopWithNpm(signals: StopSignals): () => void {
  if (process.env.npm_lifecycle_event === undefined) return () => {}
  const parent = process.ppid
  const look = () => {
    if (process.ppid !== parent) signals.request('npm has ended')
    else timer = after(lookAgainMs, look)
  }
  let timer = after(lookAgainMs, look)
  return () => timer.cancel()
}
