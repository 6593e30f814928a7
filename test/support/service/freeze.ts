import { spawn } from 'node:child_process'
import { once } from 'node:events'

const TRACER = `
import ctypes, os, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
for thread in map(int, os.listdir('/proc/%s/task' % sys.argv[1])):
    for request in (0x4206, 0x4207):  # PTRACE_SEIZE, PTRACE_INTERRUPT
        if libc.ptrace(request, thread, None, None) != 0:
            sys.exit('ptrace: %d' % ctypes.get_errno())
print('frozen', flush=True)
time.sleep(600)
`

/** Stops a process as a bug would: it does not answer, and no SIGCONT brings it back. Disposed of, it goes on. */
export async function freeze(pid: number): Promise<AsyncDisposable & { pid: number }> {
  const tracer = spawn('python3', ['-c', TRACER, String(pid)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(tracer, 'exit')
  await Promise.race([
    once(tracer.stdout, 'data'),
    exited.then(([code]) => Promise.reject(new Error(`the tracer ended with ${String(code)}`)))
  ])
  return {
    pid,
    async [Symbol.asyncDispose]() {
      tracer.kill('SIGKILL')
      await exited
    }
  }
}
