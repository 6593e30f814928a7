import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { exchange } from '../../src/haproxy/socket/exchange.ts'

/** A HAProxy that was started plainly on a text. */
export interface FreshHaproxy extends AsyncDisposable {
  socket: string
}

/** Undefined when HAProxy does not start on it, with what it said in place. */
export type FreshStart = { haproxy: FreshHaproxy; refused?: undefined } | { refused: string }

/**
 * What every HAProxy of ours loads before the operator's text, in words of the
 * judge's own: it is not to inherit a mistake of ours.
 */
function baseOf(folder: string): string {
  return `global
  stats socket ${folder}/admin.sock mode 600 level admin
  hard-stop-after 1h
  ssl-load-extra-del-ext
defaults
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 10s
  option idle-close-on-response
`
}

export async function startFresh(folder: string, text: string): Promise<FreshStart> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const [base, config, peers] = ['base.cfg', 'a.cfg', 'peers.cfg'].map((name) => join(folder, name))
  if (base === undefined || config === undefined || peers === undefined) throw new Error('No folder')
  const log = join(folder, 'log')
  await writeFile(base, baseOf(folder))
  await writeFile(config, text.endsWith('\n') ? text : `${text}\n`)
  // The one section of ours that a text may name.
  const named = /\bpeers kontrol\b/.test(text)
  await writeFile(peers, named ? `peers kontrol\n  peer "$HAPROXY_LOCALPEER" unix@${folder}/peers.sock\n` : '')
  const output = createWriteStream(log)
  await once(output, 'open')
  const child = spawn('haproxy', ['-W', '-db', '-f', base, '-f', config, '-f', peers], {
    stdio: ['ignore', output, output]
  })
  const socket = join(folder, 'admin.sock')
  if (!(await serves(child, socket))) {
    output.close()
    return { refused: await readFile(log, 'utf8') }
  }
  return {
    haproxy: {
      socket,
      async [Symbol.asyncDispose]() {
        // A second one is no longer waited for by its master: its worker has no connection that matters.
        child.kill('SIGTERM')
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
        output.close()
      }
    }
  }
}

async function serves(child: ChildProcess, socket: string): Promise<boolean> {
  for (let tries = 0; tries < 1000; tries++) {
    if (child.exitCode !== null || child.signalCode !== null) return false
    const answered = await exchange(socket, 'show info').catch(() => undefined)
    if (answered?.includes('Pid:') === true) return true
    await sleep(10)
  }
  child.kill('SIGKILL')
  return false
}
