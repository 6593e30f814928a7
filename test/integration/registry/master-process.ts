import { keepalive, startMaster } from '../../support/service/start-master.ts'

/** A master in a process of its own, to be killed: admits the pods that it is told on its standard input. */
const [, , hosts = '', app = ''] = process.argv
const master = await startMaster({ hosts: hosts.split(','), app })
process.stdout.write(`leading ${master.registry.leading}\n`)
process.stdin.on('data', (keys: Buffer) => {
  for (const key of keys.toString().trim().split('\n')) {
    void Promise.resolve(master.registry.keepalive(keepalive(key))).then(() => process.stdout.write(`up ${key}\n`))
  }
})
