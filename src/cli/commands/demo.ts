import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { request } from 'undici'
import { ControlTierProcess } from '../../demo/control-tier-process.ts'
import { DemoSlave } from '../../demo/demo-slave.ts'
import { demoTemplate, type DemoTemplate } from '../../demo/demo-template.ts'
import { assertFree } from '../../demo/free-port.ts'
import { SharedPort } from '../../demo/shared-port.ts'
import { stringMap } from '../../platform/env-parsers.ts'
import { systemClock } from '../../platform/clock.ts'
import { createLogger, type Logger } from '../../platform/logger.ts'
import { defineCommand } from '../command.ts'

const SLAVES = ['127.0.0.2', '127.0.0.3', '127.0.0.4']
const CONFIG_ANNOTATION = 'haproxy.unity3d.com/config'

export const demo = defineCommand({
  summary: 'Run a control tier, HAProxy and three slaves here, until Ctrl-C',
  usage: '',
  options: {},
  optionDocs: {},
  async run(_args, { env, stdout, signal }) {
    const annotations = stringMap(env.KONTROL_ANNOTATIONS ?? '{}')
    const template = await demoTemplate(annotations[CONFIG_ANNOTATION])
    const demoEnv = await demoEnvironment(env, annotations, template)
    const port = demoEnv.KONTROL_PORT
    // Before a slave says anything to whoever is there.
    await assertFree(Number(port))
    const tier = new ControlTierProcess(demoEnv, `http://127.0.0.1:${port}`)
    const shared = sharedPort(template, demoEnv)
    const logger = await createLogger('silent')
    const slaves = SLAVES.map((ip) => demoSlave(ip, shared?.socketOf(ip) ?? template.slavePort, demoEnv, logger))
    try {
      await Promise.all(slaves.map((slave) => slave.start()))
      await shared?.start()
      await tier.start(signal)
      stdout(banner(port, template))
      stdout(`First request: ${await firstAnswer(template.proxyPort, signal)}`)
      if (!signal.aborted) await once(signal, 'abort')
    } finally {
      stdout('Stopping.')
      await tier.stop()
      await Promise.all(slaves.map((slave) => slave.stop()))
      await shared?.stop()
    }
  }
})

function sharedPort({ proxyPort, slavePort }: DemoTemplate, env: DemoEnvironment): SharedPort | undefined {
  if (proxyPort !== slavePort) return undefined
  return new SharedPort({
    binary: env.KONTROL_HAPROXY ?? 'haproxy',
    folder: env.KONTROL_DATA,
    ips: SLAVES,
    port: slavePort
  })
}

function demoSlave(ip: string, listenOn: number | string, env: DemoEnvironment, logger: Logger): DemoSlave {
  return new DemoSlave({
    ip,
    listenOn,
    master: `127.0.0.1:${env.KONTROL_PORT}`,
    ttlMs: Number(env.KONTROL_TTL ?? 25) * 1000,
    clock: systemClock,
    logger
  })
}

interface DemoEnvironment extends NodeJS.ProcessEnv {
  KONTROL_PORT: string
  KONTROL_DATA: string
}

async function demoEnvironment(
  env: NodeJS.ProcessEnv,
  annotations: Readonly<Record<string, string>>,
  { text }: DemoTemplate
): Promise<DemoEnvironment> {
  const data = resolve(env.KONTROL_DATA ?? 'data/demo')
  await mkdir(data, { recursive: true })
  return {
    KONTROL_MODE: 'master,slave',
    KONTROL_LABELS: '{"app":"haproxy","role":"balancer"}',
    KONTROL_SOCKET: `${data}/automaton.sock`,
    KONTROL_PORT: '8000',
    ...env,
    KONTROL_DATA: data,
    KONTROL_ANNOTATIONS: JSON.stringify({
      'kontrol.unity3d.com/master': '127.0.0.1',
      ...annotations,
      [CONFIG_ANNOTATION]: text
    })
  }
}

function banner(port: string, { proxyPort, slavePort }: DemoTemplate): string {
  return [
    '',
    `  Proxy         http://127.0.0.1:${proxyPort}/   behind it: ${SLAVES.map((ip) => `${ip}:${slavePort}`).join(', ')}`,
    `  Dashboard     http://127.0.0.1:${port}/`,
    `  Control tier  http://127.0.0.1:${port}/api/v1/pods   /api/v1/reconfigurations   /readyz`,
    '',
    '  Announce one more slave, which you start yourself:',
    `    curl -X PUT http://127.0.0.1:${port}/ping -d '{"app":"demo","role":"web","id":"fourth","ip":"127.0.0.5","key":"2kce4R"}'`,
    '',
    '  Ctrl-C ends everything.',
    ''
  ].join('\n')
}

/** Every slave was known before the template was first rendered, or joined within the damper. */
async function firstAnswer(port: number, signal: AbortSignal): Promise<string> {
  for (let attempt = 0; attempt < 100 && !signal.aborted; attempt++) {
    const answer = await request(`http://127.0.0.1:${port}/`).then(
      async ({ statusCode, body }) => ({ statusCode, text: (await body.text()).trim() }),
      () => undefined
    )
    if (answer?.statusCode === 200) return answer.text
    await new Promise((done) => setTimeout(done, 100))
  }
  return 'none was answered yet; look at /readyz'
}
