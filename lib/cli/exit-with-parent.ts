import { Option } from 'commander'
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
