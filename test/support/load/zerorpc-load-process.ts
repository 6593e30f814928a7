import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { encodeRequest } from '../../../src/zerorpc/zerorpc-message.ts'
import { ZmtpPeer } from '../../../src/zerorpc/zmtp-peer.ts'

/**
 * Sends the keepalives of the files of a folder by ZeroRPC, each file's over a connection of its own, one after the other:
 * `node zerorpc-load-process.ts <port> <folder> <connections> <seconds>`. Prints what wrk's script prints.
 */
const [port = '', folder = '', connections = '', seconds = ''] = process.argv.slice(2)
const limits = { messageBytes: 64 * 1024, frames: 8 }
const EMPTY = Buffer.alloc(0)
let requests = 0
let failed = 0
let isOver = false

const requestsOf = (connection: number): Uint8Array[] =>
  readFileSync(`${folder}/${connection}`, 'utf8')
    .trimEnd()
    .split('\n')
    .map((body) => encodeRequest('ping', [body]).bytes)

async function send(messages: readonly Uint8Array[]): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true })
  let at = 0
  const next = (): void => {
    if (isOver) socket.end()
    else peer.send([EMPTY, messages[at++ % messages.length] ?? EMPTY])
  }
  const peer = new ZmtpPeer({
    socketType: 'DEALER',
    accepts: ['ROUTER'],
    limits,
    write: (bytes) => socket.write(bytes),
    onReady: next,
    onMessage(frames) {
      const answer = frames.at(-1) ?? EMPTY
      // A heartbeat is no answer.
      if (answer.includes('_zpc_')) return
      if (answer.includes('OK') && !answer.includes('ERR')) requests++
      else failed++
      next()
    }
  })
  peer.greet()
  socket.on('data', (chunk) => peer.receive(chunk))
  await new Promise((resolve) => {
    socket.on('error', () => {
      failed++
      resolve(undefined)
    })
    socket.on('close', resolve)
  })
}

const all = Array.from({ length: Number(connections) }, (_, connection) => requestsOf(connection))
const started = performance.now()
setTimeout(() => (isOver = true), Number(seconds) * 1000)
await Promise.all(all.map(send))
console.log(JSON.stringify({ requests, seconds: (performance.now() - started) / 1000, failed }))
