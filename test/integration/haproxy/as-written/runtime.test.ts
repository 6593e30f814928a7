import { appendFile, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exchange } from '../../../../src/haproxy/socket/exchange.ts'
import { ask } from '../../../support/haproxy/ask.ts'
import { eventually } from '../../../support/eventually.ts'
import { startHttpBackend, type HttpBackend } from '../../../support/haproxy/http-backend.ts'
import { ownAddress, startHaproxy, type DrivenHaproxy } from '../../../support/haproxy/start-haproxy.ts'
import { startLoad } from '../../../support/load/steady-load.ts'

/** As a template that numbers its servers would write it. */
const proxy = (address: string, servers: readonly HttpBackend[], extra = ''): string => `
frontend proxy
  bind ${address}:8080
  mode http
  default_backend web
  ${extra}
backend web
  mode http
  balance roundrobin
  default-server inter 300ms fall 1 rise 1
  option httpchk GET /health
${servers.map(({ host, port }, index) => `  server web-${index + 1} ${host}:${port} check\n`).join('')}`

/** As a disk without space: what is written there fails, until the result is called. */
async function blocked(haproxy: DrivenHaproxy, ...names: string[]): Promise<() => Promise<void>> {
  const paths = names.map((name) => join(haproxy.dataFolder, 'haproxy', name))
  for (const path of paths) {
    await rename(path, `${path}.away`)
    await mkdir(path)
  }
  return async () => {
    for (const path of paths) {
      await rm(path, { recursive: true })
      await rename(`${path}.away`, path)
    }
  }
}

/** Who answers, in some requests of one after the other. */
async function answering(address: string, requests = 12): Promise<string[]> {
  const names = new Set<string>()
  for (let count = 0; count < requests; count++) names.add(await ask(address))
  return [...names].sort()
}

async function backends(names: readonly string[]): Promise<HttpBackend[]> {
  return await Promise.all(names.map(async (name) => await startHttpBackend(name)))
}

/** What the worker shows of its servers: name, address, administrative state. */
async function servers({ dataFolder }: DrivenHaproxy): Promise<string[]> {
  const answer = await exchange(join(dataFolder, 'haproxy/admin.sock'), 'show servers state web')
  return answer
    .split('\n')
    .filter((line) => /^\d+ web /.test(line))
    .map((line) => line.split(' '))
    .map((cells) => `${cells[3]} ${cells[4]}:${cells[18]} ${cells[6]}`)
}

const onDisk = async ({ dataFolder }: DrivenHaproxy): Promise<string> =>
  await readFile(join(dataFolder, 'haproxy/last-good.cfg'), 'utf8')

describe('HaproxyDriver, when only servers change', () => {
  it('adds and removes them without a reload', async () => {
    await using haproxy = await startHaproxy()
    const [a, b, c] = (await backends(['a', 'b', 'c'])) as [HttpBackend, HttpBackend, HttpBackend]
    const address = ownAddress()
    await haproxy.apply(proxy(address, [a]))
    const before = await haproxy.driver.status()

    const added = await haproxy.driver.configure(proxy(address, [a, b, c]))
    expect(added).toMatchObject({ outcome: 'applied', plan: 'runtime', operations: 2, reasons: [] })
    expect(await answering(address)).toEqual(['a', 'b', 'c'])
    const removed = await haproxy.driver.configure(proxy(address, [b]))
    expect(removed).toMatchObject({ outcome: 'applied', operations: 2 })
    expect(await answering(address)).toEqual(['b'])

    expect(await haproxy.driver.status()).toMatchObject({ workerPid: before.workerPid, reloads: before.reloads })
    await eventually(async () => (await onDisk(haproxy)) === proxy(address, [b]))
    expect(haproxy.driver.problems()).toEqual([])
  })

  it.each([
    ['a line is renamed', (text: string) => text.replace('web-2', 'web-1')],
    ['one joins as well', (text: string) => `${text.replace('web-2', 'web-1')}  server web-2 127.0.0.1:9 check\n`],
    [
      'it stands under other settings',
      (text: string) => `${text}  default-server weight 5\n  server web-1 127.0.0.1:9\n`
    ]
  ])('keeps what runs and what is on disk where two servers have one name, as %s', async (_how, change) => {
    await using haproxy = await startHaproxy()
    const address = ownAddress()
    const good = proxy(address, await backends(['a', 'b']))
    await haproxy.apply(good)
    const kept = await eventually(async () => await onDisk(haproxy))

    await expect(haproxy.apply(change(good))).rejects.toMatchObject({
      code: 'KTL_HAPROXY_CONFIG_REJECTED',
      message: expect.stringContaining("another server named 'web-1'") as string
    })

    expect(await answering(address)).toEqual(['a', 'b'])
    expect(await onDisk(haproxy)).toBe(kept)
  })

  it('is not misled by a former worker, which answers for as long as "grace" says', async () => {
    await using haproxy = await startHaproxy()
    const [a, b] = (await backends(['a', 'b'])) as [HttpBackend, HttpBackend]
    const address = ownAddress()
    const text = (servers: readonly HttpBackend[], extra: string): string =>
      `global\n  grace 3s\n${proxy(address, servers, extra)}`
    await haproxy.apply(text([a], 'timeout client 30s'))
    await haproxy.apply(text([a], 'timeout client 31s'))
    const before = await haproxy.driver.status()

    const outcomes: string[] = []
    for (let time = 0; time < 30; time++) {
      const { outcome } = await haproxy.driver.configure(text(time % 2 === 0 ? [a, b] : [a], 'timeout client 31s'))
      outcomes.push(outcome)
    }

    expect(new Set(outcomes)).toEqual(new Set(['applied']))
    expect(await haproxy.driver.status()).toMatchObject({ workerPid: before.workerPid, reloads: before.reloads })
    await haproxy.driver.configure(text([a, b], 'timeout client 31s'))
    await eventually(async () => (await answering(address)).join('') === 'ab')
  })

  it('puts removed servers into maintenance, and uses their places again', async () => {
    await using haproxy = await startHaproxy()
    const [a, b, c] = (await backends(['a', 'b', 'c'])) as [HttpBackend, HttpBackend, HttpBackend]
    const address = ownAddress()
    await haproxy.apply(proxy(address, [a, b]))

    await haproxy.driver.configure(proxy(address, [b]))
    const { version } = await haproxy.driver.status()
    const deletes = Number.parseInt(version, 10) >= 3
    await eventually(async () => {
      const rows = await servers(haproxy)
      return deletes ? rows.length === 1 : rows[0] === `web-1 ${a.host}:${a.port} 1`
    })
    await haproxy.driver.configure(proxy(address, [b, c]))

    expect(await answering(address)).toEqual(['b', 'c'])
    expect(await servers(haproxy)).toHaveLength(2)
    expect(haproxy.driver.problems()).toEqual([])
  })

  it('does not touch the others when the first host of a numbered list leaves', async () => {
    await using haproxy = await startHaproxy()
    const all = await backends(['a', 'b', 'c', 'd'])
    const address = ownAddress()
    await haproxy.apply(proxy(address, all))

    const result = await haproxy.driver.configure(proxy(address, all.slice(1)))

    expect(result).toMatchObject({ outcome: 'applied', operations: 1 })
    expect(await answering(address)).toEqual(['b', 'c', 'd'])
    const names = (await servers(haproxy)).filter((row) => row.endsWith(' 0'))
    expect(names.map((row) => row.split(' ')[0])).toEqual(['web-2', 'web-3', 'web-4'])
    await haproxy.driver.configure(proxy(address, all))
    expect(await answering(address)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('lets a removed server finish what it has begun', async () => {
    await using haproxy = await startHaproxy()
    await using slow = await startHttpBackend('slow', '127.0.0.1', 0, 1_500)
    await using other = await startHttpBackend('other')
    const address = ownAddress()
    await haproxy.apply(proxy(address, [slow]))
    const underWay = ask(address)
    await eventually(() => slow.requests() === 1)

    await haproxy.driver.configure(proxy(address, [other]))

    expect(await answering(address)).toEqual(['other'])
    expect(await underWay).toBe('slow')
    expect(slow.requests()).toBe(1)
  })

  it('reloads to let it finish where maintenance would cut it', async () => {
    await using haproxy = await startHaproxy()
    await using slow = await startHttpBackend('slow', '127.0.0.1', 0, 1_500)
    await using other = await startHttpBackend('other')
    const address = ownAddress()
    const text = (server: HttpBackend): string =>
      `${proxy(address, [server])}  option prefer-last-server\n`.replaceAll(
        ' check\n',
        ' check on-marked-down shutdown-sessions\n'
      )
    await haproxy.apply(text(slow))
    const underWay = fetch(`http://${address}:8080/`)
    await eventually(() => slow.requests() === 1)

    const result = await haproxy.apply(text(other))

    expect(result).toMatchObject({
      outcome: 'reload',
      reasons: ['backend web: server web-1 leaves under "on-marked-down"']
    })
    expect(await answering(address)).toEqual(['other'])
    expect((await underWay).status).toBe(200)
  })

  it('keeps connections to an added server open, as to one of the file', async () => {
    await using haproxy = await startHaproxy()
    const [a, b] = (await backends(['a', 'b'])) as [HttpBackend, HttpBackend]
    const address = ownAddress()
    await haproxy.apply(proxy(address, [a]))
    await haproxy.driver.configure(proxy(address, [b]))

    for (let count = 0; count < 10; count++) await (await fetch(`http://${address}:8080/`)).text()

    expect(b.requests()).toBe(10)
    expect(b.connections()).toBeLessThan(10)
  })

  it('takes a dead added server out by its checks', async () => {
    await using haproxy = await startHaproxy()
    const [a, b] = (await backends(['a', 'b'])) as [HttpBackend, HttpBackend]
    const address = ownAddress()
    await haproxy.apply(proxy(address, [a]))
    await b[Symbol.asyncDispose]()
    await haproxy.driver.configure(proxy(address, [a, b]))

    await eventually(async () => {
      const { proxies } = await haproxy.driver.status()
      return proxies.find(({ name }) => name === 'web')?.servers.find(({ name }) => name === 'web-2')?.status === 'DOWN'
    })

    expect(await answering(address)).toEqual(['a'])
  })

  it('empties a backend and fills it again', async () => {
    await using haproxy = await startHaproxy()
    const all = await backends(['a', 'b'])
    const address = ownAddress()
    await haproxy.apply(proxy(address, all))

    expect(await haproxy.driver.configure(proxy(address, []))).toMatchObject({ outcome: 'applied', operations: 2 })
    expect((await fetch(`http://${address}:8080/`)).status).toBe(503)
    expect(await haproxy.driver.configure(proxy(address, all))).toMatchObject({ outcome: 'applied', operations: 2 })
    expect(await answering(address)).toEqual(['a', 'b'])
  })

  it('tells who is down to the worker of the next reload', async () => {
    await using haproxy = await startHaproxy()
    const [a, b] = (await backends(['a', 'b'])) as [HttpBackend, HttpBackend]
    const address = ownAddress()
    await haproxy.apply(proxy(address, [a, b]))
    await b[Symbol.asyncDispose]()
    const statusOfB = async (): Promise<string | undefined> => {
      const { proxies } = await haproxy.driver.status()
      const web = proxies.find(({ name }) => name === 'web')
      return web?.servers.find(({ address }) => address.endsWith(`:${b.port}`))?.status
    }
    await eventually(async () => (await statusOfB()) === 'DOWN')

    const slower = proxy(address, [b, a], 'maxconn 100').replace('300ms', '20s')
    await haproxy.apply(slower)

    expect(await statusOfB()).toBe('DOWN')
    expect(await answering(address)).toEqual(['a'])
  })

  it.each([
    { says: 'on the line of a server', before: ['inter', 'check'], after: ['inter', 'check no-check'] },
    { says: 'against the default', before: ['check inter', ''], after: ['check inter', 'no-check'] },
    { says: 'in the default', before: ['check inter', ''], after: ['check no-check inter', ''] }
  ])(
    'serves with a server that was down once nothing checks it any more, which is said $says',
    async ({ before, after }) => {
      await using haproxy = await startHaproxy()
      const web = await backends(['a', 'b'])
      const address = ownAddress()
      const text = ([inDefault = '', onLine = '']: readonly string[], port: string): string =>
        proxy(address, web).replace('inter', `${inDefault}`).replaceAll(' check\n', ` ${onLine} ${port}\n`)
      await haproxy.apply(text(before, 'port 1'))
      await eventually(async () => (await fetch(`http://${address}:8080/`)).status === 503)

      expect(await haproxy.apply(text(after, ''))).toMatchObject({ outcome: 'reload' })

      // The former worker may have taken a connection before it was told to finish.
      await eventually(async () => (await answering(address)).join() === 'a,b')
    }
  )
})

describe('HaproxyDriver, when servers change and something happens', () => {
  it('takes all changes that are sent while reloads are under way', async () => {
    await using haproxy = await startHaproxy()
    const all = await backends(['a', 'b', 'c', 'd'])
    const address = ownAddress()
    await haproxy.apply(proxy(address, all.slice(0, 1)))
    const load = startLoad(address, 8080)

    const changes = Array.from({ length: 12 }, async (_, round) => {
      await haproxy.apply(proxy(address, all.slice(0, 1 + (round % 4)), `maxconn ${100 + (round >> 2)}`))
    })
    await Promise.all(changes)

    await load[Symbol.asyncDispose]()
    expect(load.failures).toEqual([])
    expect(await answering(address)).toEqual(['a', 'b', 'c', 'd'])
    expect(haproxy.driver.problems()).toEqual([])
  })

  it('knows after a restart of the control tier what was changed before', async () => {
    await using haproxy = await startHaproxy()
    const all = await backends(['a', 'b', 'c'])
    const address = ownAddress()
    await haproxy.apply(proxy(address, all.slice(0, 2)))
    await haproxy.driver.configure(proxy(address, all.slice(1)))
    const { workerPid } = await haproxy.driver.status()

    const driver = await haproxy.takeOver()

    expect(driver.running()?.text).toBe(proxy(address, all.slice(1)))
    expect(await driver.configure(proxy(address, all.slice(1)))).toMatchObject({ outcome: 'unchanged' })
    expect(await driver.configure(proxy(address, all))).toMatchObject({ outcome: 'applied', operations: 1 })
    expect(await answering(address)).toEqual(['a', 'b', 'c'])
    expect(await driver.status()).toMatchObject({ workerPid })
  })

  it('reloads after a control tier that was killed in the middle of a change', async () => {
    await using haproxy = await startHaproxy()
    const all = await backends(['a', 'b'])
    const address = ownAddress()
    await haproxy.apply(proxy(address, all.slice(0, 1)))
    await haproxy.driver.close()
    const begun = { begin: [{ kind: 'drain', pool: 'web', backend: 'web', name: 'web-1', key: 'x' }] }
    await appendFile(join(haproxy.dataFolder, 'haproxy/changes.jsonl'), `${JSON.stringify(begun)}\n`)

    const driver = await haproxy.takeOver()

    expect(driver.running()).toBeUndefined()
    expect(await haproxy.apply(proxy(address, all))).toMatchObject({ outcome: 'reload' })
    expect(await answering(address)).toEqual(['a', 'b'])
  })

  it('brings HAProxy in line by itself when somebody else changed its servers', async () => {
    await using haproxy = await startHaproxy()
    const all = await backends(['a', 'b', 'c'])
    const address = ownAddress()
    await haproxy.apply(proxy(address, all.slice(0, 1)))
    const { workerPid } = await haproxy.driver.status()
    const stranger = `add server web/stranger ${all[2]?.host}:${all[2]?.port};set server web/stranger state ready`
    await exchange(join(haproxy.dataFolder, 'haproxy/admin.sock'), stranger)

    await haproxy.driver.configure(proxy(address, all.slice(0, 2)))

    await eventually(async () => (await haproxy.driver.status()).workerPid !== workerPid)
    await eventually(() => haproxy.driver.problems().length === 0)
    expect(haproxy.alarms).toMatchObject([{ code: 'KTL_HAPROXY_SURPRISE' }])
    expect(await answering(address)).toEqual(['a', 'b'])
  })

  it('reloads when HAProxy answers otherwise than expected', async () => {
    await using haproxy = await startHaproxy()
    const all = await backends(['a', 'b'])
    const address = ownAddress()
    await haproxy.apply(proxy(address, all.slice(0, 1)))
    await exchange(join(haproxy.dataFolder, 'haproxy/admin.sock'), 'add server web/web-2 127.0.0.1:9')

    const result = await haproxy.apply(proxy(address, all))

    expect(result.outcome).toBe('reload')
    expect(result.reasons.join()).toContain('Already exists a server with the same name in backend.')
    expect(await answering(address)).toEqual(['a', 'b'])
  })

  it('has the changed servers again when HAProxy dies', async () => {
    await using haproxy = await startHaproxy()
    const all = await backends(['a', 'b'])
    const address = ownAddress()
    await haproxy.apply(proxy(address, all.slice(0, 1)))
    await eventually(async () => (await onDisk(haproxy)).includes('web-1'))
    await haproxy.driver.configure(proxy(address, all))
    const { pid } = await haproxy.driver.status()

    process.kill(pid, 'SIGKILL')

    await eventually(async () => (await haproxy.driver.status()).pid !== pid)
    await eventually(() => haproxy.driver.running()?.text === proxy(address, all))
    expect(await answering(address)).toEqual(['a', 'b'])
  })

  it('makes a change although the disk takes no note of it, and knows of it once it does', async () => {
    await using haproxy = await startHaproxy()
    const all = await backends(['a', 'b'])
    const address = ownAddress()
    await haproxy.apply(proxy(address, all.slice(0, 1)))
    await eventually(async () => (await onDisk(haproxy)).includes('web-1'))
    const unblock = await blocked(haproxy, 'changes.jsonl', 'candidate.cfg')
    const result = await haproxy.driver.configure(proxy(address, all))
    expect(result).toMatchObject({ outcome: 'applied', operations: 1 })
    expect(await answering(address)).toEqual(['a', 'b'])
    await unblock()

    await haproxy.driver.configure(proxy(address, all.slice(0, 1)))
    await haproxy.driver.configure(proxy(address, all))

    const driver = await haproxy.takeOver()
    expect(await driver.configure(proxy(address, all))).toMatchObject({ plan: 'none' })
    expect(await driver.status()).toMatchObject({ reloads: 1 })
  })

  it('brings the file up to date as soon as the disk takes it', { timeout: 30_000 }, async () => {
    await using haproxy = await startHaproxy()
    const all = await backends(['a', 'b'])
    const address = ownAddress()
    await haproxy.apply(proxy(address, all.slice(0, 1)))
    await eventually(async () => (await onDisk(haproxy)).includes('web-1'))
    const unblock = await blocked(haproxy, 'candidate.cfg')
    await haproxy.driver.configure(proxy(address, all))
    await eventually(() => haproxy.driver.problems().length === 1)
    await unblock()

    await eventually(async () => (await onDisk(haproxy)) === proxy(address, all), 20_000)
    await eventually(() => haproxy.driver.problems().length === 0)
  })

  it('looks at the servers again when HAProxy did not answer', { timeout: 40_000 }, async () => {
    await using haproxy = await startHaproxy()
    const all = await backends(['a', 'b', 'c'])
    const address = ownAddress()
    await haproxy.apply(proxy(address, all.slice(0, 1)))
    const { workerPid } = await haproxy.driver.status()
    await haproxy.driver.configure(proxy(address, all.slice(0, 2)))
    const socket = join(haproxy.dataFolder, 'haproxy/admin.sock')
    await rename(socket, `${socket}.away`)
    try {
      await eventually(() => haproxy.lines.some(({ msg }) => msg === 'haproxy servers not read back'), 15_000)
    } finally {
      await rename(`${socket}.away`, socket)
    }
    const stranger = `add server web/stranger ${all[2]?.host}:${all[2]?.port};set server web/stranger state ready`
    await exchange(socket, stranger)

    await eventually(async () => (await haproxy.driver.status()).workerPid !== workerPid, 15_000)
    expect(haproxy.alarms).toMatchObject([{ code: 'KTL_HAPROXY_SURPRISE' }])
    expect(await answering(address)).toEqual(['a', 'b'])
  })

  it('writes the journal of changes anew once it has become long', async () => {
    await using haproxy = await startHaproxy()
    const all = await backends(['a', 'b', 'c'])
    const address = ownAddress()
    await haproxy.apply(proxy(address, all.slice(0, 1)))
    await eventually(async () => (await onDisk(haproxy)).includes('web-1'))
    await appendFile(join(haproxy.dataFolder, 'haproxy/changes.jsonl'), '{"done":true}\n'.repeat(40_000))
    await haproxy.takeOver()

    expect(await haproxy.apply(proxy(address, all.slice(0, 2)))).toMatchObject({ outcome: 'applied' })

    expect((await stat(join(haproxy.dataFolder, 'haproxy/changes.jsonl'))).size).toBeLessThan(2_000)
    await haproxy.takeOver()
    expect(await haproxy.apply(proxy(address, all))).toMatchObject({ outcome: 'applied' })
    expect(await answering(address)).toEqual(['a', 'b', 'c'])
  })

  it('clears servers that are left over once nobody waits', async () => {
    await using haproxy = await startHaproxy({ quietMs: 1_000 })
    const all = await backends(Array.from({ length: 14 }, (_, index) => `s${index}`))
    const address = ownAddress()
    await haproxy.apply(proxy(address, all))

    await haproxy.driver.configure(proxy(address, all.slice(0, 1)))

    await eventually(async () => (await servers(haproxy)).length === 1)
    expect(await answering(address)).toEqual(['s0'])
    expect(haproxy.driver.problems()).toEqual([])
  })

  it('raises an alarm when HAProxy would not start with what it runs, and keeps what it would', async () => {
    await using haproxy = await startHaproxy()
    const all = await backends(['a', 'b'])
    const address = ownAddress()
    const page = join(haproxy.dataFolder, 'page.http')
    await writeFile(page, 'HTTP/1.0 503 Away\r\n\r\n')
    const text = (servers: HttpBackend[]): string => proxy(address, servers, `errorfile 503 ${page}`)
    await haproxy.apply(text(all.slice(0, 1)))
    await eventually(async () => (await onDisk(haproxy)) === text(all.slice(0, 1)))

    await rm(page)
    await haproxy.driver.configure(text(all))

    await eventually(() => haproxy.alarms.length === 1)
    expect(haproxy.driver.problems()).toMatchObject([{ code: 'KTL_HAPROXY_CONFIG_REJECTED' }])
    expect(await answering(address)).toEqual(['a', 'b'])
    expect(await onDisk(haproxy)).toBe(text(all.slice(0, 1)))
    await haproxy.apply(proxy(address, all))
    await eventually(() => haproxy.driver.problems().length === 0)
  })
})
