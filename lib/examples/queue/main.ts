import { startTestCluster } from 'troupe/testing'
import { done, enqueue, jobs, queue } from './queue.js'

await using cluster = await startTestCluster({ stateMachine: queue })
const [producer, careless, careful] = cluster.nodes
if (!producer || !careless || !careful) throw new Error('three nodes were started')

await enqueue(producer, ['sweep', 'paint', 'dust'])

// The first worker takes a job and is never heard of again.
for await (const job of jobs(careless, 300)) {
  console.log(`taken and forgotten: ${job.payload}`)
  break
}

// The second does all of them; the forgotten one comes back when its lease has run out.
let left = 3
for await (const job of jobs(careful, 10_000)) {
  if (await done(careful, job)) console.log(`done: ${job.payload}, attempt ${job.attempt}`)
  left -= 1
  if (left === 0) break
}
console.log(`left: ${(await producer.query(undefined)).result ?? 'nothing'}`)
