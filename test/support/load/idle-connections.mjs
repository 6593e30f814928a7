/**
 * Holds connections that never say a word, and opens more all the while.
 *
 *     node idle-connections.mjs <from> <to> <port> <count>
 */
import { connect } from 'node:net'
import { argv } from 'node:process'
import { setInterval } from 'node:timers'

const [localAddress, host, port, count] = argv.slice(2)
const EACH_MS = 50
const EACH_TIME = 20

function open() {
  connect({ host, port: Number(port), localAddress }).on('error', () => {})
}

for (let opened = 0; opened < Number(count); opened++) open()
setInterval(() => {
  for (let opened = 0; opened < EACH_TIME; opened++) open()
}, EACH_MS)
