/** What each error means, and what to do about it. */

export interface Explanation {
  /** The first word of an error that a node answers, if it is one. */
  readonly code?: string
  /** The tag of the error in a program, if it has one. */
  readonly tag?: string
  /** What has happened, in a sentence. */
  readonly title: string
  readonly means: string
  readonly todo: ReadonlyArray<string>
}

/** What nodes answer. */
const answered: ReadonlyArray<Explanation> = [
  {
    code: "NOREPL",
    tag: "NotReplicated",
    title: "Not enough nodes have a copy of the job.",
    means:
      "ADDJOB asks for copies on several nodes (3 by default, or all nodes of a smaller cluster). Either fewer nodes could be reached, or the time ran out before enough of them had confirmed. The job may exist all the same, and may be delivered.",
    todo: [
      "See which nodes are missing: disco cluster",
      "Wait until they are back, or add with fewer copies: --replicate 1",
      "Add again only if a second job does no harm."
    ]
  },
  {
    code: "MAXLEN",
    tag: "QueueTooLong",
    title: "The queue is as long as the producer allows.",
    means:
      "The job was added with a maximum length, and the queue on the node that was asked has that many jobs. The length is that of one node, not of the cluster. The job was not added.",
    todo: ["See the queue, and who consumes it: disco queue NAME", "Add more consumers, or try later."]
  },
  {
    code: "PAUSED",
    tag: "QueuePaused",
    title: "The queue takes no jobs.",
    means:
      "Somebody has paused the queue in its input. The job was not added. Pauses are kept by each node in memory: a node that was restarted takes jobs again.",
    todo: ["See where it is paused: disco queue NAME", "Let it go on: disco resume NAME"]
  },
  {
    code: "OOM",
    tag: "OutOfMemory",
    title: "The memory of the node is full.",
    means:
      "The node uses as much memory as its maxmemory allows. It refuses new jobs, and putting jobs back. Jobs can still be fetched and acknowledged, which makes room.",
    todo: [
      "See the memory of each node: disco cluster",
      "Find the long queues and let consumers work: disco queues",
      "Raise maxmemory (CONFIG SET maxmemory) if the machine has more."
    ]
  },
  {
    code: "LEAVING",
    tag: "NodeLeaving",
    title: "The node is leaving its cluster.",
    means:
      "Somebody has told the node to leave. It takes no new jobs with copies, and lets nobody wait for jobs. It hands out the jobs that it has. Programs that use Disco go to another node by themselves.",
    todo: ["Use another node.", "If the node is to stay: disco node join NODE"]
  },
  {
    code: "LOADING",
    tag: "NodeLoading",
    title: "The node is starting, and reads its jobs from disk.",
    means:
      "Until all jobs are read, the node refuses commands. How long that takes depends on the size of its file, disque.aof.",
    todo: ["Wait, or use another node."]
  },
  {
    code: "MISCONF",
    tag: "NotPersisted",
    title: "The node cannot write its jobs to disk.",
    means:
      "Writing the append-only file has failed: most often the disk is full, or the folder may not be written. The node refuses changes until a write has worked.",
    todo: ["Make room on the disk of the node, and see its log.", "Use another node meanwhile."]
  },
  {
    code: "NOAUTH",
    tag: "NotAuthenticated",
    title: "The node wants a password, and had none or a wrong one.",
    means:
      "All commands are refused until the right password is given. Every node has a password of its own (requirepass); usually it is the same.",
    todo: [
      "Give it by DISQUE_PASSWORD, --password-file FILE, or keep it in a context: disco context add NAME",
      "In programs: the option password, or disque://:password@host:port."
    ]
  },
  {
    code: "NOJOB",
    tag: "JobNotFound",
    title: "The node does not know the job.",
    means:
      "The job was acknowledged, deleted, or is older than its TTL; or other nodes hold it and this one does not. A worker that gets this while it works has lost its lease: the job may be with somebody else.",
    todo: [
      "Ask all nodes: disco show ID",
      "If jobs often take longer than their retry time, use a longer one (--retry)."
    ]
  },
  {
    code: "TOOLATE",
    tag: "LeaseTooOld",
    title: "Half of the TTL of the job has passed.",
    means:
      "WORKING postpones the next delivery of a job, but only in the first half of its TTL. From now on the job is delivered again after its retry time, even if somebody works on it.",
    todo: ["Add such jobs with a longer TTL (--ttl): more than twice as long as the work takes."]
  },
  {
    code: "BADID",
    title: "What was given is no id of a job.",
    means:
      "An id has 40 characters: D-, 8 hex digits, -, 24 base64 characters, -, 4 hex digits. One bad id refuses the whole command, before it has any effect. Programs see a CommandRefused, or an InvalidArgument if Disco has noticed it.",
    todo: ["Copy the whole id. In a URL, / and + have to be encoded."]
  },
  {
    code: "ERR",
    tag: "CommandRefused",
    title: "The node did not accept the command.",
    means:
      "Any other refusal begins with ERR: an unknown command, a wrong number of arguments, an option that this version does not have, too many clients (max number of clients reached), a wrong password (invalid password). Doing the same again gives the same error.",
    todo: [
      "Read what is behind ERR.",
      "For too many clients: close some, or raise maxclients (CONFIG SET maxclients).",
      "For an unknown command: is it Disque that listens there? disco ping"
    ]
  }
]

/** What Disco finds out by itself. */
const own: ReadonlyArray<Explanation> = [
  {
    tag: "ConnectionError",
    title: "A node could not be reached, or the connection to it ended.",
    means:
      "The message says which of these it is. refused: nothing listens there. unknown-host: the name does not resolve. timed-out: no connection in time, often a firewall. lost: the connection ended while a reply was due. silent: the node took the command and did not answer. unsent: the command was never sent. closed: this side has closed. unreachable: all nodes have failed, each for its own reason. After lost, silent and closed the command may have been carried out.",
    todo: [
      "Ask all nodes: disco ping",
      "Check the addresses, and that the node runs.",
      "Programs may try again: other nodes are used then."
    ]
  },
  {
    tag: "OutcomeUnknown",
    title: "It is unknown whether the command was carried out.",
    means:
      "The command was sent, and the connection ended before the reply came. Disco does not send such a command twice by itself. For ADDJOB: the job may be in the queue, or not. Adding it again may make a second job.",
    todo: [
      "Look for the job on the node that the message names: disco jobs --queue NAME",
      "If a second job does no harm, add it again (in programs: execute error.again()).",
      "Better: let consumers recognize a job that they have done already."
    ]
  },
  {
    tag: "GetJobTimeout",
    title: "No job came in time.",
    means: "getJob waited as long as its timeout says, and all queues were empty, or paused in their output.",
    todo: ["This is no failure: wait again.", "If jobs should be there: disco queue NAME"]
  },
  {
    tag: "InvalidArgument",
    title: "An argument or option is not what Disque takes.",
    means:
      "Disco checks before it sends. The message names the argument, its value, and what was expected. Nothing was sent.",
    todo: ["Correct the value: trying again does not help."]
  },
  {
    tag: "PoolExhausted",
    title: "All connections of the pool are in use.",
    means:
      "A call that needs a connection of its own (getJob, pool.connection) waited for acquireTimeout, and none became free; or maxWaiting calls were waiting already.",
    todo: [
      "Raise maxActive, or use fewer calls at a time.",
      "See that connections that were taken out are given back: their scope has to end."
    ]
  },
  {
    tag: "ProtocolError",
    title: "The node answered something that Disque does not answer.",
    means:
      "The reply does not have the form that the command is documented to give: something else listens there, or a version of Disque that Disco does not know.",
    todo: ["See what listens there: disco ping", "If it is Disque, report it with the message."]
  }
]

/** What workers, funnels and nodes on disk say. */
const others: ReadonlyArray<Explanation> = [
  {
    tag: "LeaseLost",
    title: "The job may be with another consumer by now.",
    means:
      "The time for which the job was lent has passed without WORKING, or another delivery was seen. The handler was too slow, or the process stood still.",
    todo: [
      "Use a longer retry time (--retry), or do less in one job.",
      "Handlers have to bear that a job is done twice."
    ]
  },
  {
    tag: "FunnelClosed",
    title: "The funnel is closing, and takes no more jobs.",
    means: "The job was offered after the scope of the funnel had begun to end. It was not added.",
    todo: ["Stop producers before the funnel, or offer the job elsewhere."]
  },
  {
    tag: "StorageError",
    title: "An embedded node cannot use its folder.",
    means:
      "A file cannot be read or written, is damaged, or another process uses the folder. The message names the file.",
    todo: ["Check the file: disco aof check FILE", "Make room on the disk, or end the other process."]
  }
]

export const explanations: ReadonlyArray<Explanation> = [...answered, ...own, ...others]

/** The names of an error: its code and its tag. */
export const namesOf = ({ code, tag }: Explanation): ReadonlyArray<string> =>
  [code, tag].filter((name) => name !== undefined)

const words = (text: string): ReadonlyArray<string> => text.toLowerCase().match(/[a-z]+/g) ?? []

/** The explanation of an error, by its name or by a message that begins with its name, or has it in it. */
export const find = (text: string): Explanation | undefined => {
  const given = words(text)
  const byName = (word: string) =>
    explanations.find((each) => namesOf(each).some((name) => name.toLowerCase() === word))
  return given.map(byName).find((found) => found !== undefined)
}
