import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { keepaliveOf } from './known-pods.ts'

/** How they are carried: HTTP over connections that are kept, HTTP with a connection for each, ZeroRPC over kept ones. */
export type Carrier = 'kept' | 'anew' | 'zerorpc'

/** Each of them one app's, as a pod's slave keeps its own. */
export const CONNECTIONS = 8

export interface Sending {
  url: string
  carrier: Carrier
  /** Of `writeKeepalives`. */
  folder: string
  seconds: number
  /** Of app n, without its last word, which is n. */
  token?: string
  /** Words before the program that sends. */
  prefix: readonly string[]
}

export interface Sent {
  requests: number
  seconds: number
}

/** The keepalives of so many pods, in a file for each connection. */
export async function writeKeepalives(folder: string, pods: number): Promise<void> {
  await mkdir(folder)
  const files = Array.from({ length: CONNECTIONS }, (): string[] => [])
  for (let pod = 0; pod < pods; pod++) {
    files[pod % CONNECTIONS]?.push(`${JSON.stringify(keepaliveOf(pod, CONNECTIONS))}\n`)
  }
  for (const [index, lines] of files.entries()) await writeFile(join(folder, String(index)), lines.join(''))
}

/** As many as go, one after the other on each connection; @throws Error when one of them was not taken */
export async function sendKeepalives(sending: Sending): Promise<Sent> {
  const [command = '', ...args] = [...sending.prefix, ...commandOf(sending)]
  const { stdout } = await promisify(execFile)(command, args)
  const said = stdout.trimEnd().split('\n').at(-1) ?? ''
  const { requests, seconds, failed } = JSON.parse(said) as Sent & { failed: number }
  if (failed > 0 || requests === 0) throw new Error(`${failed} of ${requests} keepalives were not taken:\n${stdout}`)
  return { requests, seconds }
}

function commandOf({ url, carrier, folder, seconds, token }: Sending): string[] {
  const file = (name: string): string => join(import.meta.dirname, name)
  if (carrier === 'zerorpc') {
    const program = ['--import', 'tsx', file('zerorpc-load-process.ts')]
    return [process.execPath, ...program, new URL(url).port, folder, String(CONNECTIONS), String(seconds)]
  }
  const load = ['-t', String(CONNECTIONS), '-c', String(CONNECTIONS), '-d', `${seconds}s`]
  const script = ['-s', file('keepalives.lua'), url, '--', folder, carrier]
  return ['wrk', ...load, ...script, ...(token === undefined ? [] : [token])]
}
