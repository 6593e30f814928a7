import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { haproxyConfigOf, loadConfig } from '../../src/config.ts'
import { tempDir } from '../support/temp-dir.ts'

const valid = { KONTROL_LABELS: '{"app":"haproxy","role":"balancer"}' }

/** The message of the error that a bad environment gets. */
function complaint(env: NodeJS.ProcessEnv): string {
  try {
    loadConfig(env)
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('the environment was accepted')
}

describe('loadConfig', () => {
  it('has the defaults of Kontrol, but for the damper and the fail-over', () => {
    const { config, origins } = loadConfig(valid)

    expect(config).toMatchObject({ port: 8000, ttlSeconds: 25, damperSeconds: 1, foverSeconds: 10, ip: '127.0.0.1' })
    expect(config).toMatchObject({
      isMaster: false,
      isSlave: true,
      app: 'haproxy',
      role: 'balancer',
      socket: '/tmp/sock'
    })
    expect(origins.port).toBe('default')
  })

  it('takes from Kubernetes what the environment does not say', () => {
    const { config, origins } = loadConfig(
      { ...valid, KONTROL_IP: '10.0.0.1' },
      { KONTROL_IP: '10.9.9.9', KONTROL_ID: 'pod-1' }
    )

    expect(config).toMatchObject({ ip: '10.0.0.1', id: 'pod-1' })
    expect(origins).toMatchObject({ ip: 'environment', id: 'kubernetes' })
  })

  it('finds etcd by the annotation where the environment names none', () => {
    const annotated = { ...valid, KONTROL_ANNOTATIONS: '{"kontrol.unity3d.com/etcd":"etcd-0.etcd,http://etcd-1:1234"}' }
    const { config, origins } = loadConfig(valid, { KONTROL_ANNOTATIONS: annotated.KONTROL_ANNOTATIONS })

    expect(config.etcd).toEqual(['http://etcd-0.etcd:2379', 'http://etcd-1:1234'])
    expect(origins.etcd).toBe('kubernetes')
    expect(loadConfig({ ...annotated, KONTROL_ETCD: 'mine' }).config.etcd).toEqual(['http://mine:2379'])
    expect(complaint({ ...valid, KONTROL_ANNOTATIONS: '{"kontrol.unity3d.com/etcd":"ftp://x"}' })).toContain(
      'The annotation kontrol.unity3d.com/etcd'
    )
  })

  it('needs nothing in debug mode, and is its own master there', () => {
    const { config, origins } = loadConfig({ KONTROL_MODE: 'debug' })

    expect(config).toMatchObject({
      isMaster: true,
      isSlave: true,
      app: 'test',
      role: 'test',
      id: 'local',
      masters: ['127.0.0.1']
    })
    expect(origins.labels).toBe('debug mode')
  })

  it('is at the host that is named, and its own master there, in debug mode', () => {
    const { config } = loadConfig({ KONTROL_MODE: 'debug', KONTROL_HOST: '192.0.2.9' })

    expect(config).toMatchObject({ ip: '192.0.2.9', masters: ['192.0.2.9'], host: '192.0.2.9' })
  })

  it('runs no automaton where it is switched off, whatever there is to be driven', () => {
    const annotations = JSON.stringify({ 'haproxy.unity3d.com/config': 'x' })
    const env = { ...valid, KONTROL_AUTOMATON: 'off', KONTROL_ANNOTATIONS: annotations }

    expect(loadConfig(env).config).toMatchObject({ needsAutomaton: false, isSlaveAlone: true })
    expect(loadConfig({ ...env, KONTROL_MODE: 'master' }).config.needsAutomaton).toBe(false)
  })

  it('takes a shell with its words', () => {
    expect(loadConfig({ ...valid, KONTROL_SHELL: 'busybox ash' }).config.shell).toEqual(['busybox', 'ash'])
    expect(complaint({ ...valid, KONTROL_SHELL: ' ' })).toContain('KONTROL_SHELL must name a shell')
  })

  it('logs debug lines in verbose mode unless a level was asked for', () => {
    expect(loadConfig({ ...valid, KONTROL_MODE: 'slave,verbose' }).config.logLevel).toBe('debug')
    expect(loadConfig({ ...valid, KONTROL_MODE: 'verbose', KONTROL_LOG_LEVEL: 'warn' }).config.logLevel).toBe('warn')
  })

  it('reports every problem at once, with the name and the bad value', () => {
    const message = complaint({
      KONTROL_PORT: '0',
      KONTROL_TTL: 'soon',
      KONTROL_MODE: 'king',
      KONTROL_LABELS: '{"app":"web\\nglobal"}',
      KONTROL_ETCD: 'ftp://x',
      KONTROL_TLS_CERT: '/nowhere.pem'
    })

    expect(message.split('\n')).toHaveLength(8)
    for (const words of [
      'KONTROL_PORT',
      '"0"',
      '"soon"',
      '"king"',
      'plain name as app',
      'hold role',
      '"ftp://x"',
      '"/nowhere.pem"'
    ]) {
      expect(message).toContain(words)
    }
  })

  it('takes no shell for the network without a credential', () => {
    expect(complaint({ ...valid, KONTROL_SCRIPT: 'shell' })).toContain('KONTROL_SCRIPT=shell needs KONTROL_TOKEN')
    expect(loadConfig({ ...valid, KONTROL_SCRIPT: 'shell', KONTROL_TOKEN: 'secret' }).config.script).toBe('shell')
  })

  it('wants a certificate with its key', () => {
    const file = import.meta.filename

    expect(complaint({ ...valid, KONTROL_TLS_CERT: file })).toContain('must be set together')
    expect(complaint({ ...valid, KONTROL_TLS_CLIENT_CA: file })).toContain('KONTROL_TLS_CLIENT_CA needs')
    expect(complaint({ ...valid, KONTROL_ETCD_CERT: file })).toContain('KONTROL_ETCD_KEY must be set together')
    expect(complaint({ ...valid, KONTROL_ETCD_USER: 'a' })).toContain('KONTROL_ETCD_PASSWORD_FILE must be set together')
  })

  it('gathers tokens from the variable and from the file', async () => {
    await using dir = await tempDir()
    writeFileSync(dir.file('tokens'), 'three\n\n four \n')

    const { config } = loadConfig({ ...valid, KONTROL_TOKEN: 'one, two', KONTROL_TOKEN_FILE: dir.file('tokens') })

    expect(config.secrets.operate).toEqual(['one', 'two', 'three', 'four'])
  })

  it('does not show a secret that it complains of', () => {
    expect(complaint({ KONTROL_TOKEN: 'hunter2' })).not.toContain('hunter2')
  })

  it.each([
    ['etcd', ['http://etcd:2379']],
    ['etcd:4001', ['http://etcd:4001']],
    ['https://a:1, https://b:2', ['https://a:1', 'https://b:2']]
  ])('reads the etcd cluster %s', (raw, urls) => {
    expect(loadConfig({ ...valid, KONTROL_ETCD: raw }).config.etcd).toEqual(urls)
  })

  it.each([
    ['a slave with a template', { KONTROL_CONFIG_FILE: '/t' }, true, false],
    ['a slave without one', {}, false, true],
    ['a slave with a manifest of its own', { KONTROL_LIFECYCLE: '/m' }, true, false],
    ['a master, whose template may be missing', { KONTROL_MODE: 'master' }, true, false],
    ['a master whose work is a callback', { KONTROL_MODE: 'master', KONTROL_CALLBACK: 'x' }, false, false]
  ])('says of %s what it runs', (_what, env, needsAutomaton, isSlaveAlone) => {
    expect(loadConfig({ ...valid, ...env }).config).toMatchObject({ needsAutomaton, isSlaveAlone })
  })

  it('splits the masters of the annotation', () => {
    const annotations = JSON.stringify({ 'kontrol.unity3d.com/master': 'one, two:8001,,' })

    expect(loadConfig({ ...valid, KONTROL_ANNOTATIONS: annotations }).config.masters).toEqual(['one', 'two:8001'])
  })
})

describe('haproxyConfigOf', () => {
  it('is there whatever is wrong with how HAProxy is driven, and with all else', () => {
    const wrong = {
      KONTROL_RELOAD_INTERVAL: 'x',
      KONTROL_SYN_GUARD: 'x',
      KONTROL_LOG_LEVEL: 'warning',
      KONTROL_TTL: 'x'
    }
    expect(haproxyConfigOf({ ...wrong, KONTROL_DATA: '/data' }, false)).toEqual({
      ...haproxyConfigOf({ KONTROL_DATA: '/data' }, false)
    })
  })

  it('is none where it cannot be told which HAProxy is meant', () => {
    expect(haproxyConfigOf({ KONTROL_SUPERVISOR: 'x' }, false)).toBeUndefined()
    expect(haproxyConfigOf({ KONTROL_DRY_RUN: 'x' }, false)).toBeUndefined()
  })
})
