import { startTestCluster } from 'troupe/testing'
import { Lock, locks } from './lock.js'

/** Something outside the cluster that the lock guards: it takes no token older than one it has seen. */
class Printer {
  #newest = 0

  print(token: number, text: string): void {
    if (token < this.#newest) return console.log(`"${text}" is refused: the lock was lost`)
    this.#newest = token
    console.log(text)
  }
}

await using cluster = await startTestCluster({ stateMachine: locks })
const [here, there] = cluster.nodes
if (here === undefined || there === undefined) throw new Error('three nodes were started')
const printer = new Printer()

const ada = new Lock(here, 'printer', 'Ada')
const ben = new Lock(there, 'printer', 'Ben')

const first = await ada.acquire(200)
printer.print(first, 'Ada begins')

// Ada stands still for longer than her lease, and does not know it.
const second = await ben.acquire(10_000)
printer.print(second, 'Ben has the lock now')
printer.print(first, 'Ada goes on')

await ben.release(second)
const third = await ada.acquire(10_000)
printer.print(third, 'Ada has it again')
console.log(`tokens grow: ${first < second && second < third}`)
