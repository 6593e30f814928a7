import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { startAutomatonProcess, type AutomatonProcess } from '../../support/service/start-automaton-process.ts'
import { startPlainSupervisord, type Supervisord } from '../../support/neighbours/start-plain-supervisord.ts'

/** What stands for the program of an image answers on zk.sock as ZooKeeper answers "mntr": once it has read it, or the asker is cut off. */
const startPrograms = (): Promise<Supervisord> =>
  startPlainSupervisord({
    telegraf: 'sleep 100000',
    zookeeper: 'socat UNIX-LISTEN:zk.sock,fork,unlink-early SYSTEM:"read word; echo zk_server_state standalone"'
  })

function startImage(name: string, { binFolder, folder }: Supervisord): Promise<AutomatonProcess> {
  const manifest = readFileSync(join(import.meta.dirname, `../../fixtures/manifests/${name}.yml`), 'utf8')
  const env = { ZK_FOLDER: folder, KONTROL_EIP: '198.51.100.7', PATH: `${binFolder}:${process.env.PATH}` }
  return startAutomatonProcess(manifest, { env })
}

/** "RUNNING" or "STOPPED"; supervisorctl's exit code says the same, so that it fails for the second. */
function statusOf(program: string, { binFolder }: Supervisord): string | undefined {
  try {
    return execFileSync(join(binFolder, 'supervisorctl'), ['status', program], { encoding: 'utf8' }).split(/\s+/)[1]
  } catch (error) {
    return (error as { stdout: string }).stdout.split(/\s+/)[1]
  }
}

describe('a manifest of another image', () => {
  it('of an ordered cluster stops, starts with its place, checks itself for ever, and gives up after failures', async () => {
    await using supervisord = await startPrograms()
    await using image = await startImage('zookeeper', supervisord)
    const read = (name: string): string => readFileSync(image.file(name), 'utf8')
    await eventually(async () => (await image.socat('STATE')) === 'setup')
    // A step that has begun may be interrupted.
    await eventually(() => statusOf('telegraf', supervisord) === 'RUNNING', 30_000)

    expect(await image.socat('WAIT stop')).toBe('OK')
    expect(read('state.json')).toBe('"stopped"\n')
    expect(statusOf('telegraf', supervisord)).toBe('RUNNING')
    expect(await image.socat('WAIT check')).toBe('KO')

    const place = '{"key": "7", "brokers": {"6": "10.0.0.6", "7": "10.0.0.7"}}'
    expect(await image.socat(`WAIT start ${place}`)).toBe('OK')
    expect(read('zoo.cfg')).toBe('server.6=10.0.0.6:2888:3888\nserver.7=0.0.0.0:2888:3888\n')
    await eventually(() => read('checks').startsWith('standalone 0\nstandalone 0\nstandalone 0\n'), 30_000)
    expect(read('state.json')).toBe('"standalone"\n')

    execFileSync(join(supervisord.binFolder, 'supervisorctl'), ['stop', 'zookeeper'])
    await eventually(async () => (await image.socat('STATE')) === 'stop', 30_000)
    expect(read('checks')).toMatch(/dead 0\ndead 1\ndead 2\ndead 3\n$/)

    expect(await image.socat(`WAIT start ${place}`)).toBe('OK')
    expect(statusOf('zookeeper', supervisord)).toBe('RUNNING')
    image.kill('SIGINT')
    expect(await image.ended).toBe(0)
  })

  it('of an ordered cluster is stopped by a callback while it checks itself', async () => {
    await using supervisord = await startPrograms()
    await using image = await startImage('zookeeper', supervisord)
    await image.socat('WAIT stop')
    await image.socat('WAIT start {"key": "0", "brokers": {"0": "10.0.0.6"}}')
    await eventually(async () => (await image.socat('STATE')) === 'check', 30_000)

    expect(await image.socat('WAIT stop')).toBe('OK')
    expect(await image.socat('STATE')).toBe('stop')
    expect(statusOf('zookeeper', supervisord)).toBe('STOPPED')
  })

  it('that drives itself through $SOCKET goes round and round, and runs its terminal state', async () => {
    await using supervisord = await startPrograms()
    await using image = await startImage('producer', supervisord)
    const trace = (): string => readFileSync(image.file('trace'), 'utf8')
    const round = 'produce 0\nconsume 1\nproduce 1\nconsume 2\nproduce 2\nconsume 3\n'
    await eventually(() => trace().startsWith(`${round}produce 0\n`), 45_000)
    image.kill('SIGTERM')

    expect(await image.ended).toBe(0)
    expect(trace()).toMatch(/terminating\n$/)
    expect(existsSync(image.socketPath)).toBe(false)
  })

  it('of a proxy is configured by input, and reaches a state by a pattern', async () => {
    await using supervisord = await startPrograms()
    await using image = await startImage('proxy', supervisord)
    const hosts = '{"web": ["10.0.0.1", "10.0.0.2"]}'
    await eventually(async () => (await image.socat('STATE')) === 'setup')

    expect(await image.socat('GOTO expose-via-route53 []')).toBe('KO')
    expect(await image.socat(`WAIT configure ${hosts}`)).toBe('OK')
    expect(readFileSync(image.file('proxy.cfg'), 'utf8')).toBe('server web-1 10.0.0.1:80\nserver web-2 10.0.0.2:80\n')
    expect(statusOf('zookeeper', supervisord)).toBe('RUNNING')
    expect(await image.socat('WAIT expose-via-route53 ["198.51.100.7"]')).toBe('OK')
    expect(readFileSync(image.file('exposed'), 'utf8')).toBe('["198.51.100.7"]\n')
    expect(await image.socat('WAIT configure {}')).toBe('OK')
    expect(readFileSync(image.file('state.json'), 'utf8')).toBe('{"eip": "198.51.100.7"}\n')
  })
})
