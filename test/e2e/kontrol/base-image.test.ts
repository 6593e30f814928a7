import { afterEach, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { startImageHost, type ImageHost } from '../../support/kontrol/image-host.ts'
import { hostNetwork } from '../../support/neighbours/host-network.ts'

const IP = '198.18.7.1'

/** Ends where something of the original's base image is missing. */
const LOOK_AROUND = `
set -eu
echo "folder $(pwd)"
for program in /usr/bin/kontrol /usr/bin/automaton; do test -x $program; done
for program in python socat curl jq ps supervisorctl busybox; do command -v $program > /dev/null; done
echo '[agent]' > /etc/telegraf/telegraf.conf
test -w /home/kontrol/supervisor
python -c '
import jinja2, json, msgpack, zerorpc, zmq
zerorpc.Client("tcp://127.0.0.1:1").close()
print("modules of Python", 3)'
kontrol config --json | jq -r '.[] | select(.name == "KONTROL_SHELL") | "shell " + .value'
`

const stops: (() => PromiseLike<unknown>)[] = []

async function start(command: readonly string[]) {
  const network = await hostNetwork()
  stops.push(() => network[Symbol.asyncDispose]())
  const env = { KONTROL_IP: IP, KONTROL_ID: 'pod-1', KONTROL_LABELS: '{"app": "other", "role": "member"}' }
  const host: ImageHost = await startImageHost({ command, network: await network.addHost(IP), env })
  stops.push(() => host[Symbol.asyncDispose]())
  return { host, network }
}

describe('the base image for other services', { timeout: 120_000 }, () => {
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  it("has what the original's had, where it had it", async () => {
    const { host } = await start(['sh', '-c', LOOK_AROUND])

    const code = await host.ended

    expect(host.output()).toContain('folder /home/kontrol\n')
    expect(host.output()).toContain('modules of Python 3\n')
    expect(host.output()).toContain('shell ["busybox","ash"]\n')
    expect(code).toBe(0)
  })

  it('runs a slave where "kontrol -d" is its command', async () => {
    const { network } = await start(['kontrol', '-d'])

    await eventually(async () => {
      const answer = await network.ask(['curl', '-sf', '--max-time', '5', `http://${IP}:8000/healthz`])
      return answer?.includes('ok')
    }, 60_000)
  })
})
