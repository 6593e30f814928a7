/** How HAProxy is started. The command line never changes: what changes is in the files. */
export interface HaproxyCommand {
  binary: string
  args: readonly string[]
  /** The word behind `-S`, by which a running one is recognised. */
  socketArgument: string
  /** File that takes HAProxy's output. */
  logFile: string
}

export interface SupervisorHooks {
  /** Awaited before each start: puts the files in place that HAProxy may begin with. */
  beforeStart(): Promise<void>
  /** HAProxy ended without being told to; the supervisor starts it again by itself. */
  died(): void
  /** It was started again after it had died. */
  restarted(): void
}

export interface SupervisedProcess {
  pid: number
  /** It ran already. */
  adopted: boolean
}

/** Who runs the HAProxy master process. It outlives this program: only `stop` ends it. */
export interface Supervisor {
  /**
   * Makes HAProxy run: adopts the one that does, else starts one at once, whatever
   * the back-off. May be called again at any time.
   */
  start(command: HaproxyCommand, hooks: SupervisorHooks): Promise<SupervisedProcess>
  /** Pid of the master; undefined while none runs. */
  pid(): number | undefined
  /** Lets HAProxy finish its connections and ends it; past `graceMs`, or when aborted, by force. */
  stop(graceMs: number, signal?: AbortSignal): Promise<void>
  /** Lets go of HAProxy, which runs on. */
  close(): Promise<void>
}
