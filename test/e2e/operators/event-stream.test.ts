import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { request } from 'undici'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { startNginx } from '../../support/neighbours/start-nginx.ts'
import { startService } from '../../support/service/start-service.ts'

interface Told {
  id: string | undefined
  type: string
  data: { pod?: { ip: string }; at: string }
}

/** What a client of Server-Sent Events is told. */
async function listen(url: string, lastId?: string) {
  const { body, headers } = await request(`${url}/api/v1/events`, {
    headers: lastId === undefined ? {} : { 'last-event-id': lastId }
  })
  let text = ''
  body.on('data', (chunk) => (text += String(chunk))).on('error', () => {})
  const told = (): Told[] =>
    text.split('\n\n').flatMap((part) => {
      const [, id, type = '', data = ''] = /^(?:id: (.*)\n)?event: (.*)\ndata: (.*)$/.exec(part) ?? []
      return data === '' ? [] : [{ id, type, data: JSON.parse(data) as Told['data'] }]
    })
  return {
    headers,
    told,
    /** Addresses of the pods that came. */
    came: () => told().flatMap(({ type, data }) => (type === 'pod-up' ? (data.pod?.ip ?? []) : [])),
    [Symbol.dispose]: () => void body.destroy()
  }
}

describe('the stream of events', () => {
  it('tells who was away what happened meanwhile, over a kill as well', async () => {
    await using service = await startService()
    let seen: string | undefined
    {
      using first = await listen(service.url)
      await eventually(async () => {
        await service.ping('127.0.0.2')
        return first.came().length > 0
      })
      seen = first.told().find(({ type }) => type === 'pod-up')?.id
      await service.ping('127.0.0.3')
      using second = await listen(service.url, seen)
      await eventually(() => second.came().includes('127.0.0.3'))
      expect(second.came()).not.toContain('127.0.0.2')
    }
    // It is told and written in one turn of the event loop, and the kill may come in the middle of it.
    await eventually(async () => (await readFile(join(service.data, 'events.jsonl'), 'utf8')).includes('127.0.0.3'))
    await service.kill('SIGKILL')
    await service.start()
    await service.ping('127.0.0.4')

    using third = await listen(service.url, seen)
    await eventually(() => third.came().includes('127.0.0.4'))
    expect(third.came()).toEqual(['127.0.0.3', '127.0.0.4'])
    expect(third.told().map(({ type }) => type)).not.toContain('missed')
    const ids = third.told().map(({ id }) => Number(id))
    expect(ids).toEqual([...new Set(ids)].sort((one, other) => one - other))
    using stranger = await listen(service.url, '17')
    await eventually(() => stranger.came().includes('127.0.0.4'))
    expect(stranger.told()[0]).toMatchObject({ id: undefined, type: 'missed' })
    expect(stranger.came()).toEqual(['127.0.0.2', '127.0.0.3', '127.0.0.4'])
  })

  it('comes through a default nginx as it happens', async () => {
    await using service = await startService()
    await using nginx = await startNginx(service.url)
    using listener = await listen(nginx.url)
    expect(listener.headers).toMatchObject({ 'content-type': 'text/event-stream; charset=utf-8' })

    for (const ip of ['127.0.0.2', '127.0.0.3', '127.0.0.4']) {
      await service.ping(ip)
      // Gathered by nginx, it would come with the sign of life after 15 s at the earliest.
      await eventually(() => listener.came().includes(ip))
    }
  })
})
