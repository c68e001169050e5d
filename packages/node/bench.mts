import { DisquePool, JobQueue } from "@disco/core"
import { Funnel, Worker } from "../funnel/src/index.js"
import { NodeDisque } from "./src/index.js"
import { Redis } from "ioredis"
import { Effect, Queue, Stream, Schema, Deferred } from "effect"
const N = Number(process.env.N ?? 20000), size = Number(process.env.SIZE ?? 100)
const body = "x".repeat(size)
import { DisqueDialer } from "@disco/core"
const raw = () => Effect.runPromise(Effect.gen(function*(){
  const dialer = yield* DisqueDialer
  const a = yield* dialer.dial("127.0.0.1:8104"), b = yield* dialer.dial("127.0.0.1:8104")
  const q = "raw"+Math.random()
  const t = performance.now()
  const enc = new TextEncoder()
  yield* Effect.promise(() => new Promise<void>((res) => {
    let sent=0, got=0, acked=0
    const add = () => { if (sent>=N) return; sent++; a.send(["ADDJOB",q,enc.encode(body),"5000"], add) }
    for (let i=0;i<64;i++) add()
    const get = () => b.send(["GETJOB","TIMEOUT","1000","COUNT","64","WITHCOUNTERS","FROM",q], (o:any) => {
      const jobs = o.value ?? []; got+=jobs.length
      if (jobs.length) a.send(["ACKJOB",...jobs.map((j:any)=>new TextDecoder().decode(j[1]))], () => { acked+=jobs.length; if (acked===N) res() })
      if (got<N) get()
    })
    get()
  }))
  return N/((performance.now()-t)/1000)
}).pipe(Effect.provide(NodeDisque.layerDialer({nodes:"127.0.0.1:8104"}))))
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
const time = (label:string, e:any) => Effect.gen(function*(){ const t=performance.now(); yield* e; console.log(label, (N/((performance.now()-t)/1000)).toFixed(0)) }) as Effect.Effect<void,any,any>
const parts = Effect.gen(function*(){
  const pool = yield* DisquePool
  for (let r=0;r<2;r++) {
  const q0="d"+Math.random(), q="i"+Math.random()
  yield* time("64 fibres addJob", Effect.all(Array.from({length:64},()=>Effect.gen(function*(){ for(let i=0;i<N/64;i++) yield* pool.addJob(q0,body) })),{concurrency:"unbounded"}))
  yield* time("outgoing", Effect.scoped(Effect.gen(function*(){ const f = yield* Funnel.make({queues:"none"}); for (let i=0;i<N;i++) yield* Queue.offer(f.outgoing,{queue:q,body}) })))
  yield* time("incoming", Effect.scoped(Effect.gen(function*(){ const f = yield* Funnel.make({queues:q,prefetch:256}); yield* Stream.runDrain(Stream.take(f.incoming,N)) })))
  const j = JobQueue.make("w"+Math.random(), { payload: Schema.String })
  yield* Effect.scoped(Effect.gen(function*(){ const f = yield* Funnel.make({queues:"none"}); for (let i=0;i<N;i++) yield* Queue.offer(f.outgoing,{queue:j.name,body:JSON.stringify(body)}) }))
  yield* time("worker", Effect.scoped(Effect.gen(function*(){ const done = yield* Deferred.make<void>(); let n=0
    yield* Worker.make(j, () => Effect.suspend(()=> ++n===N ? Deferred.succeed(done,undefined) : Effect.void), { concurrency: 64, prefetch: 256 }); yield* Deferred.await(done) })))
  }
})
const prefill = (q:string, b:string) => Effect.scoped(Effect.gen(function*(){ const f = yield* Funnel.make({queues:"none"}); for (let i=0;i<N;i++) yield* Queue.offer(f.outgoing,{queue:q,body:b}) }))
import inspector from "node:inspector/promises"
import fs from "node:fs"
const profiled = (e:any) => Effect.gen(function*(){ const s = new inspector.Session(); s.connect(); yield* Effect.promise(()=>s.post("Profiler.enable")); yield* Effect.promise(()=>s.post("Profiler.start")); yield* e; const {profile} = yield* Effect.promise(()=>s.post("Profiler.stop")) as any; fs.writeFileSync("/tmp/p.cpuprofile", JSON.stringify(profile)) })
if (process.env.PROF) { await Effect.runPromise(Effect.provide(Effect.gen(function*(){
  const q="i"+Math.random(); const j = JobQueue.make("w"+Math.random(), { payload: Schema.String })
  if (process.env.PROF==="i") { yield* prefill(q, body); yield* profiled(time("incoming", Effect.scoped(Effect.gen(function*(){ const f = yield* Funnel.make({queues:q,prefetch:256}); yield* Stream.runDrain(Stream.take(f.incoming,N)) })))) }
  else { yield* prefill(j.name, JSON.stringify(body)); yield* profiled(time("worker", Effect.scoped(Effect.gen(function*(){ const done = yield* Deferred.make<void>(); let n=0
    yield* Worker.make(j, () => Effect.suspend(()=> ++n===N ? Deferred.succeed(done,undefined) : Effect.void), { concurrency: 64, prefetch: 256 }); yield* Deferred.await(done) })))) }
}), layer) as any); process.exit() }
if (process.env.PARTS) { await Effect.runPromise(Effect.provide(parts, layer) as any); process.exit() }
for (let i=0;i<3;i++) {
  const r = await raw()
  const f = await Effect.runPromise(Effect.provide(funnel, layer))
  const w = await Effect.runPromise(Effect.provide(worker, layer))
  console.log(`raw ${r.toFixed(0)}/s  funnel ${f.toFixed(0)}/s ${(f/r*100).toFixed(0)}%  worker ${w.toFixed(0)}/s ${(w/r*100).toFixed(0)}%`)
}
process.exit()
