import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { RuntimeApi } from '../../../../src/haproxy/socket/runtime-api.ts'
import { webProxy } from '../../../support/haproxy/sample-template.ts'
import { ask } from '../../../support/haproxy/ask.ts'
import { eventually } from '../../../support/eventually.ts'
import { startHttpBackend } from '../../../support/haproxy/http-backend.ts'
import { ownAddress, startHaproxy, type DrivenHaproxy } from '../../../support/haproxy/start-haproxy.ts'
import { tempDir } from '../../../support/temp-dir.ts'

async function reloadByAnotherHand({ driver }: DrivenHaproxy): Promise<void> {
  // The master answers nobody while it loads.
  const { pid } = await eventually(() => driver.status())
  process.kill(pid, 'SIGUSR2')
}

/** Both answer, again and again. */
async function serves(address: string, words: readonly string[]): Promise<void> {
  await eventually(async () => {
    const heard = new Set<string>()
    for (let n = 0; n < 6; n++) heard.add(await ask(address))
    return words.every((word) => heard.has(word))
  })
}

async function becomesLastGood({ dataFolder }: DrivenHaproxy, text: string): Promise<void> {
  await eventually(async () => (await readFile(join(dataFolder, 'haproxy/last-good.cfg'), 'utf8')) === text)
}

describe('a reload by another hand', () => {
  it('loses no pod that had joined while the check of the file is under way', async () => {
    await using dir = await tempDir()
    const binary = dir.file('haproxy')
    await writeFile(binary, '#!/bin/sh\ncase " $* " in *" -c "*) sleep 3;; esac\nexec haproxy "$@"\n')
    await chmod(binary, 0o755)
    await using haproxy = await startHaproxy({ binary })
    await using one = await startHttpBackend('one')
    await using two = await startHttpBackend('two')
    const address = ownAddress()
    await haproxy.apply(webProxy(address, [one]))
    await becomesLastGood(haproxy, webProxy(address, [one]))
    const { workerPid } = await haproxy.driver.status()

    expect(await haproxy.driver.configure(webProxy(address, [one, two]))).toMatchObject({ outcome: 'applied' })
    await reloadByAnotherHand(haproxy)

    await eventually(async () => (await haproxy.driver.status()).workerPid !== workerPid)
    await serves(address, ['one', 'two'])
    // It took no further one, which would have waited for a check.
    expect(await haproxy.driver.status()).toMatchObject({ reloads: 2 })
    await becomesLastGood(haproxy, webProxy(address, [one, two]))
    expect(haproxy.driver.problems()).toEqual([])
  })

  it('loses no pod that joins at that moment', async () => {
    await using haproxy = await startHaproxy()
    await using one = await startHttpBackend('one')
    await using two = await startHttpBackend('two')
    const address = ownAddress()
    await haproxy.apply(webProxy(address, [one]))
    await becomesLastGood(haproxy, webProxy(address, [one]))

    for (const pods of [[one, two], [two], [one, two]]) {
      await reloadByAnotherHand(haproxy)
      await sleep(Math.random() * 150)
      await haproxy.apply(webProxy(address, pods))
      await eventually(() => haproxy.driver.running()?.text === webProxy(address, pods))
      await serves(address, pods.length === 2 ? ['one', 'two'] : ['two'])
    }
    await becomesLastGood(haproxy, webProxy(address, [one, two]))
  })

  it('is no death of the worker that a reload of our own has just begun', async () => {
    await using haproxy = await startHaproxy()
    await using one = await startHttpBackend('one')
    const address = ownAddress()
    await haproxy.apply(webProxy(address, [one]))
    await becomesLastGood(haproxy, webProxy(address, [one]))
    const edited = webProxy(address, [one], 'http-response set-header x-edited 1')

    await haproxy.apply(edited)
    await sleep(300)
    await reloadByAnotherHand(haproxy)

    await becomesLastGood(haproxy, edited)
    expect(haproxy.driver.running()?.text).toBe(edited)
    const response = await fetch(`http://${address}:8080/`)
    expect(response.headers.get('x-edited')).toBe('1')
    expect(haproxy.alarms).toEqual([])
    expect(haproxy.driver.problems()).toEqual([])
  })

  it('begins a worker that is told nothing of what was meant for the one before it', async () => {
    await using haproxy = await startHaproxy()
    await using one = await startHttpBackend('one')
    const address = ownAddress()
    await haproxy.apply(webProxy(address, [one]))
    await becomesLastGood(haproxy, webProxy(address, [one]))
    const runtime = new RuntimeApi(join(haproxy.dataFolder, 'haproxy/admin.sock'))
    const former = await runtime.workerPid()
    await reloadByAnotherHand(haproxy)
    await eventually(async () => (await runtime.workerPid()) !== former)

    const told = runtime.execute(former, [{ text: 'set server web/s0 state maint', answer: /^$/ }])

    await expect(told).rejects.toMatchObject({ code: 'KTL_HAPROXY_SURPRISE' })
    expect(await ask(address)).toBe('one')
    expect(await runtime.serversState(await runtime.workerPid())).toMatchObject([{ name: 's0', administrative: 0 }])
  })

  it('of a file that was edited by hand does not last', async () => {
    await using haproxy = await startHaproxy()
    await using one = await startHttpBackend('one')
    const address = ownAddress()
    const text = webProxy(address, [one])
    await haproxy.apply(text)
    await becomesLastGood(haproxy, text)
    await writeFile(join(haproxy.dataFolder, 'haproxy/haproxy.cfg'), text.replace('default_backend web', ''))

    await reloadByAnotherHand(haproxy)

    await eventually(async () => (await haproxy.driver.status()).reloads === 3)
    await serves(address, ['one'])
    await becomesLastGood(haproxy, text)
    await eventually(() => haproxy.driver.problems().length === 0)
  })
})
