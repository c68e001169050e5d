import { DisquePool, JobQueue } from "@disco/core"
import { Funnel, Worker } from "../funnel/src/index.js"
import { NodeDisque } from "./src/index.js"
import { Redis } from "ioredis"
import { Effect, Queue, Stream, Schema, Deferred } from "effect"
const N = Number(process.env.N ?? 20000), size = Number(process.env.SIZE ?? 100)
const body = "x".repeat(size)
const raw = async () => {
  const a = new Redis(8104, "127.0.0.1", { enableReadyCheck: false, disableClientInfo: true }); const b = new Redis(8104,"127.0.0.1",{ enableReadyCheck: false, disableClientInfo: true })
  const t = performance.now()
  const q = "raw"+Math.random()
  const adding = (async () => { for (let i=0;i<N;i+=64){ const ps=[]; for(let j=0;j<64&&i+j<N;j++) ps.push(a.call("ADDJOB",q,body,"5000")); await Promise.all(ps)} })()
  let got=0
  const acks=[]
  while (got<N) { const jobs:any = await b.callBuffer("GETJOB","TIMEOUT","1000","COUNT","64","WITHCOUNTERS","FROM",q); if(!jobs) continue; got+=jobs.length; acks.push(a.call("ACKJOB",...jobs.map((j:any)=>j[1].toString()))) }
  await adding; await Promise.all(acks)
  const s=(performance.now()-t)/1000; a.disconnect(); b.disconnect(); return N/s
}
const layer = NodeDisque.layerPool({ nodes: "127.0.0.1:8104", slice: "500 millis" })
const funnel = Effect.gen(function*(){
  const q = "f"+Math.random()
  const t = performance.now()
  yield* Effect.scoped(Effect.gen(function*(){
    const f = yield* Funnel.make({ queues: q, prefetch: 256 })
    yield* Effect.fork(Effect.gen(function*(){ for (let i=0;i<N;i++) yield* Queue.offer(f.outgoing,{queue:q,body}) }))
    yield* Stream.runDrain(Stream.take(f.incoming,N))
  }))
  return N/((performance.now()-t)/1000)
})
const jq = JobQueue.make("w"+Math.random(), { payload: Schema.String })
const worker = Effect.gen(function*(){
  const pool = yield* DisquePool
  const t = performance.now()
  yield* Effect.scoped(Effect.gen(function*(){
    const f = yield* Funnel.make({ queues: "unused"+Math.random() })
    const done = yield* Deferred.make<void>()
    let n=0
    yield* Worker.make(jq, () => Effect.suspend(()=> ++n===N ? Deferred.succeed(done,undefined) : Effect.void), { concurrency: 64, prefetch: 256 })
    yield* Effect.fork(Effect.gen(function*(){ const b = JSON.stringify(body); for (let i=0;i<N;i++) yield* Queue.offer(f.outgoing,{queue:jq.name,body:b}) }))
    yield* Deferred.await(done)
  }))
  return N/((performance.now()-t)/1000)
})
for (let i=0;i<2;i++) { const w = await Effect.runPromise(Effect.provide(process.env.WHAT==="w"?worker:funnel, layer)); console.log(w.toFixed(0)) }; process.exit(); for (let i=0;i<3;i++) {
  const r = await raw()
  const f = await Effect.runPromise(Effect.provide(funnel, layer))
  const w = await Effect.runPromise(Effect.provide(worker, layer))
  console.log(`raw ${r.toFixed(0)}/s  funnel ${f.toFixed(0)}/s ${(f/r*100).toFixed(0)}%  worker ${w.toFixed(0)}/s ${(w/r*100).toFixed(0)}%`)
}
process.exit()
