import type { FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dashboardRoutes } from '../../../src/http/routes/dashboard.ts'
import { buildServer } from '../../../src/http/server.ts'
import { makeAccess } from '../../support/registry/make-access.ts'
import { silentLogger } from '../../support/test-logger.ts'

let app: FastifyInstance
beforeEach(async () => {
  app = buildServer({ logger: silentLogger(), access: makeAccess({ operate: ['secret'], read: ['secret'] }) })
  await app.register(dashboardRoutes, { app: 'haproxy', id: '<b>&"id"' })
})
afterEach(() => app.close())

/** Every file that a text names in an attribute or an import. */
const namesIn = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, name = '']) => name)

describe('GET /', () => {
  it('is a page that needs no token and is never kept', async () => {
    const answer = await app.inject('/')

    expect(answer.statusCode).toBe(200)
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer'
    })
    expect(answer.body).toMatch(/^<!doctype html>/)
  })

  it('allows the browser its own files and nothing else', async () => {
    const policy = String((await app.inject('/')).headers['content-security-policy']).split('; ')

    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("connect-src 'self'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy.join(' ')).not.toMatch(/unsafe|http|\*/)
  })

  it('has neither scripts nor styles nor handlers in its markup', async () => {
    const { body } = await app.inject('/')

    expect(body).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?! type="module" src="[^"]+"><\/script>)/)
  })

  it('names its process, as text', async () => {
    const { body } = await app.inject('/')

    expect(body).toContain('<h1>&#60;b&#62;&#38;&#34;id&#34;</h1>')
    expect(body).not.toContain('{{')
  })

  it('answers HEAD with the same length and no body', async () => {
    const [get, head] = [await app.inject('/'), await app.inject({ method: 'HEAD', url: '/' })]

    expect(head).toMatchObject({ statusCode: 200, body: '' })
    expect(head.headers['content-length']).toBe(get.headers['content-length'])
  })

  it('takes nothing else', async () => {
    const answer = await app.inject({ method: 'POST', url: '/', headers: { authorization: 'Bearer secret' } })

    expect(answer.statusCode).toBe(405)
    expect(answer.headers.allow).toBe('GET, HEAD')
  })
})

describe('GET /dashboard/…', () => {
  it('has every file that the page names, with its type, and asks for no other', async () => {
    const { body } = await app.inject('/')
    const files = namesIn(body, /(?:src|href)="dashboard\/([^"]+)"/g)

    expect(files.sort()).toEqual(['icon.svg', 'main.css', 'main.js'])
    for (const file of files) {
      const { statusCode, headers, body: text } = await app.inject(`/dashboard/${file}`)
      expect([file, statusCode]).toEqual([file, 200])
      expect(headers['content-type']).toMatch(/^(text\/javascript|text\/css|image\/svg\+xml)/)
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(text).not.toMatch(/\bimport\s*["'(]|url\(["']?(?!data:)http/)
    }
  })

  it.each(['/dashboard/', '/dashboard/page.html', '/dashboard/../server.ts', '/dashboard/%2e%2e/server.ts'])(
    'has no %s',
    async (path) => {
      expect((await app.inject(path)).statusCode).toBe(404)
    }
  )
})
