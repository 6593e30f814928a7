/**
 * A process that sends keepalives to a port, so many a second, whatever became of those before, and says how many milliseconds
 * each took when it is asked.
 *
 *     node pinger.mjs <port> <a second>
 */
import { createInterface } from 'node:readline'
import process from 'node:process'
import { performance } from 'node:perf_hooks'
import { clearInterval, setInterval } from 'node:timers'
import { Pool } from 'undici'

const [port, rate] = process.argv.slice(2)
const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 256 })
const body = JSON.stringify({ app: 'pinger', id: 'p', ip: '127.0.0.9', key: 'pinger', role: 'r', payload: '' })
const headers = { 'content-type': 'application/json' }
const NEVER = 1e9
let times = []

async function ping() {
  const start = performance.now()
  try {
    const answer = await pool.request({ path: '/ping', method: 'PUT', headers, body })
    await answer.body.dump()
    times.push(answer.statusCode === 200 ? performance.now() - start : NEVER)
  } catch {
    times.push(NEVER)
  }
}

let due = performance.now()
const timer = setInterval(
  () => {
    for (; due <= performance.now(); due += 1000 / Number(rate)) void ping()
  },
  Math.min(5, 1000 / Number(rate))
)

createInterface({ input: process.stdin })
  .on('line', () => {
    process.stdout.write(`${JSON.stringify(times)}\n`)
    times = []
  })
  .on('close', () => {
    clearInterval(timer)
    void pool.destroy()
  })
