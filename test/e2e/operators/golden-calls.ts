import type { GoldenWorld } from '../../support/service/golden-world.ts'

export interface Call {
  args: readonly string[]
  /** Exit code. */
  code: number
  /** For programs, and errors of one short line: shown at a pipe alone. */
  pipeOnly?: true
  env?: NodeJS.ProcessEnv
  /** Before each time that it is run. */
  before?: () => Promise<void>
}

export const call = (...args: readonly string[]): Call => ({ args, code: 0 })
export const json = (...args: readonly string[]): Call => ({ args: [...args, '--json'], code: 0, pipeOnly: true })
export const failing = (code: number, ...args: readonly string[]): Call => ({ args, code })
const refused = (...args: readonly string[]): Call => ({ args, code: 1, pipeOnly: true })
const misused = (...args: readonly string[]): Call => ({ args, code: 64, pipeOnly: true })

const OF_NOBODY = '127.0.0.1:1'
const MANIFEST = 'lifecycle/lifecycle.yml'
const ENVIRONMENT = {
  ...{ KONTROL_LABELS: '{"app":"edge","role":"proxy"}', KONTROL_ID: 'proxy-1', KONTROL_IP: '10.0.0.9' },
  ...{ KONTROL_DATA: '/var/lib/kontrol', KONTROL_LIFECYCLE: '/etc/kontrol/lifecycle.yml', KONTROL_TOKEN: 'secret' }
}
const BAD_ENVIRONMENT = { ...ENVIRONMENT, KONTROL_PORT: 'eighty' }

/** Each command as an operator calls it. The first call of each is the one that is looked at in every way. */
export function goldenCalls({ service, file, rated }: GoldenWorld): Readonly<Record<string, readonly Call[]>> {
  const joins = async (): Promise<void> => void (await service.ping('127.0.0.6', { app: 'old', key: 'old' }))
  const ofDemo = { KONTROL_PORT: String(service.port), KONTROL_DATA: file('demo') }
  return {
    help: [call('help'), misused('completion', 'tcsh')],
    run: [{ ...failing(78, 'run'), env: BAD_ENVIRONMENT }],
    demo: [{ ...failing(75, 'demo'), env: ofDemo }],
    ping: [
      call('ping', `127.0.0.1:${service.port}`, '--app', 'nobody', '--ip', '127.0.0.7', '--down'),
      ...[failing(75, 'ping', OF_NOBODY, '--app', 'web', '--ip', '127.0.0.7'), misused('ping')]
    ],
    status: [call('status'), json('status'), failing(75, 'status', '--url', OF_NOBODY)],
    pods: [call('pods'), call('pods', 'api'), json('pods'), call('pods', 'nobody'), misused('pods', 'a', 'b')],
    hosts: [call('hosts'), json('hosts')],
    servers: [call('servers'), json('servers')],
    top: [
      { ...call('top', '--once'), before: rated },
      { ...json('top', '--once'), before: rated }
    ],
    state: [call('state'), json('state')],
    history: [
      ...[call('history'), call('history', '1'), call('history', '2'), json('history'), json('history', '2')],
      ...[refused('history', '999'), misused('history', 'last')]
    ],
    diff: [...[failing(1, 'diff', file('cut.cfg')), call('diff'), json('diff')], misused('diff', '/nowhere')],
    dns: [call('dns'), json('dns')],
    render: [call('render', '--template', file('small.j2'), '--hosts', file('hosts.json')), misused('render')],
    lifecycle: [
      ...[call('lifecycle', 'check', MANIFEST), call('lifecycle', 'graph', MANIFEST)],
      ...[json('lifecycle', 'check', MANIFEST), misused('lifecycle', 'mend')]
    ],
    config: [
      { ...call('config'), env: ENVIRONMENT },
      { ...failing(78, 'config'), env: BAD_ENVIRONMENT },
      { ...json('config'), env: ENVIRONMENT }
    ],
    explain: [
      ...[
        call('explain', 'KTL_HAPROXY_CONFIG_REJECTED'),
        call('explain', 'dns_conflict'),
        json('explain', 'dns_conflict')
      ],
      ...[failing(64, 'explain', 'KTL_DNS_NOWHERE'), misused('explain')]
    ],
    goto: [
      ...[call('goto', 'render'), call('goto', 'render', '--no-wait'), json('goto', 'render')],
      ...[failing(1, 'goto', 'nowhere'), misused('goto')]
    ],
    forget: [
      { ...call('forget', 'old'), before: joins },
      { ...json('forget', 'old'), before: joins },
      ...[refused('forget', 'nobody'), misused('forget')]
    ]
  }
}
