import { Readable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { KontrolError } from '../../../src/errors.ts'
import { negotiateAnswers } from '../../../src/http/negotiated-answers.ts'
import { buildServer } from '../../../src/http/server.ts'
import { makeAccess } from '../../support/registry/make-access.ts'
import { silentLogger } from '../../support/test-logger.ts'

const LONG = 'frontend proxy\n'.repeat(200)
const GZIP = { 'accept-encoding': 'gzip, deflate, br' }

let app: FastifyInstance
let text: string
beforeEach(async () => {
  text = LONG
  app = buildServer({ logger: silentLogger(), access: makeAccess({}) })
  app.get('/outside', () => ({ text }))
  await app.register(async (scope) => {
    negotiateAnswers(scope)
    scope.get('/json', () => ({ text }))
    scope.post('/json', () => ({ text }))
    scope.get('/config', (_request, reply) => reply.header('etag', '"abc"').type('text/plain').send(text))
    scope.get('/stream', (_request, reply) => reply.type('application/json').send(Readable.from([text, text])))
    scope.get('/broken', () => {
      throw new KontrolError('KTL_NOT_FOUND', LONG)
    })
  })
})
afterEach(() => app.close())

describe('an answer to operators', () => {
  it('is compressed for who can read that', async () => {
    const answer = await app.inject({ url: '/json', headers: GZIP })

    expect(answer.headers).toMatchObject({
      'content-encoding': 'gzip',
      'content-length': String(answer.rawPayload.length),
      vary: 'accept-encoding',
      'cache-control': 'no-cache'
    })
    expect(answer.rawPayload.length).toBeLessThan(LONG.length / 4)
    expect(JSON.parse(String(gunzipSync(answer.rawPayload)))).toEqual({ text })
  })

  it.each(['gzip', 'br, gzip;q=0.5', 'GZIP;Q=1', '*', 'identity;q=0, *;q=0.1'])(
    'is compressed to one that takes %j',
    async (encodings) => {
      const answer = await app.inject({ url: '/json', headers: { 'accept-encoding': encodings } })

      expect(JSON.parse(String(gunzipSync(answer.rawPayload)))).toEqual({ text })
    }
  )

  it.each([undefined, '', 'identity', 'gzip;q=0', '*, GZIP; q=0.0', 'br, deflate', '*;q=0', 'gzip;q=x'])(
    'is sent as it is to one that takes %j',
    async (encodings) => {
      const headers = encodings === undefined ? {} : { 'accept-encoding': encodings }

      const answer = await app.inject({ url: '/json', headers })

      expect(answer.headers).toMatchObject({ vary: 'accept-encoding' })
      expect(answer.headers).not.toHaveProperty('content-encoding')
      expect(answer.json()).toEqual({ text })
    }
  )

  it('is compressed as it comes where it is a stream', async () => {
    const answer = await app.inject({ url: '/stream', headers: GZIP })

    expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' })
    expect(String(gunzipSync(answer.rawPayload))).toBe(text + text)
  })

  it('is left alone when it is short, or an error, or no answer to GET', async () => {
    expect((await app.inject({ url: '/broken', headers: GZIP })).json()).toMatchObject({ code: 'KTL_NOT_FOUND' })
    expect((await app.inject({ method: 'POST', url: '/json', headers: GZIP })).json()).toEqual({ text })
    text = 'short'
    expect((await app.inject({ url: '/json', headers: GZIP })).json()).toEqual({ text })
  })

  it('is 304 for who has it, and the whole again once it has changed', async () => {
    const { etag } = (await app.inject({ url: '/json', headers: GZIP })).headers
    const headers = { ...GZIP, 'if-none-match': `"other", ${String(etag)}` }

    const same = await app.inject({ url: '/json', headers })
    text = 'another'
    const other = await app.inject({ url: '/json', headers })

    expect(etag).toMatch(/^W\/"[\w-]{27}"$/)
    expect(same).toMatchObject({ statusCode: 304, body: '' })
    expect(same.headers).toMatchObject({ etag, vary: 'accept-encoding', 'cache-control': 'no-cache' })
    expect(same.headers).not.toHaveProperty('content-encoding')
    expect(same.headers).not.toHaveProperty('content-length')
    expect(other).toMatchObject({ statusCode: 200, body: '{"text":"another"}' })
    expect((await app.inject({ url: '/json', headers: { 'if-none-match': '*' } })).statusCode).toBe(304)
    expect((await app.inject({ url: '/broken', headers: { 'if-none-match': '*' } })).statusCode).toBe(404)
  })

  it('keeps the strong tag of its route, weak only where the bytes are others', async () => {
    const plain = await app.inject('/config')
    const compressed = await app.inject({ url: '/config', headers: GZIP })

    expect(plain.headers.etag).toBe('"abc"')
    expect(compressed.headers.etag).toBe('W/"abc"')
    for (const tag of ['"abc"', 'W/"abc"', '"x" , W/"abc"']) {
      expect((await app.inject({ url: '/config', headers: { 'if-none-match': tag } })).statusCode).toBe(304)
    }
    expect((await app.inject({ url: '/config', headers: { 'if-none-match': '"ab"' } })).statusCode).toBe(200)
  })

  it.each([{}, GZIP])('has the same head for HEAD as for GET: %j', async (headers) => {
    const [get, head] = [
      await app.inject({ url: '/json', headers }),
      await app.inject({ method: 'HEAD', url: '/json', headers })
    ]
    const again = { ...headers, 'if-none-match': String(get.headers.etag) }

    const known = { ...get.headers, date: head.headers.date }
    expect(head).toMatchObject({ statusCode: 200, body: '', headers: known })
    expect(await app.inject({ method: 'HEAD', url: '/json', headers: again })).toMatchObject({
      statusCode: 304,
      body: ''
    })
  })

  it('costs the other routes nothing', async () => {
    const { headers, body } = await app.inject({ url: '/outside', headers: { ...GZIP, 'if-none-match': '*' } })

    expect(JSON.parse(body)).toEqual({ text })
    for (const name of ['vary', 'etag', 'content-encoding', 'cache-control']) expect(headers).not.toHaveProperty(name)
  })
})
