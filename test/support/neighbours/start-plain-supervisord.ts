import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { eventually } from '../eventually.ts'
import { tempDir } from '../temp-dir.ts'

export interface Supervisord extends AsyncDisposable {
  /** Holds a `supervisorctl` that speaks to this supervisord. */
  binFolder: string
  /** Working folder of the programs. */
  folder: string
}

/** A real supervisord of another image, with the given programs, none of them started. */
export async function startPlainSupervisord(programs: Record<string, string>): Promise<Supervisord> {
  const dir = await tempDir()
  const sections = Object.entries(programs).map(
    ([name, command]) =>
      `[program:${name}]\ncommand=${command}\ndirectory=${dir.path}\nautostart=false\nstartsecs=0\nstopasgroup=true\nkillasgroup=true\n`
  )
  await writeFile(
    dir.file('supervisord.conf'),
    `[unix_http_server]
file=${dir.file('sock')}
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile=${dir.file('pid')}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://${dir.file('sock')}
${sections.join('')}`
  )
  const binFolder = dir.file('bin')
  await mkdir(binFolder)
  await writeFile(
    `${binFolder}/supervisorctl`,
    `#!/bin/sh\nexec /usr/bin/supervisorctl -c ${dir.file('supervisord.conf')} "$@"\n`
  )
  await chmod(`${binFolder}/supervisorctl`, 0o755)
  const child = spawn('supervisord', ['-c', dir.file('supervisord.conf')], { stdio: 'ignore' })
  const exited = once(child, 'exit')
  await eventually(() => answers(dir.file('sock')))
  return {
    binFolder,
    folder: dir.path,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await exited
      await dir[Symbol.asyncDispose]()
    }
  }
}

async function answers(path: string): Promise<boolean> {
  const socket = connect(path)
  await once(socket, 'connect')
  socket.destroy()
  return true
}
