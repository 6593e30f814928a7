import { mkdir, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { KontrolError } from '../../../src/errors.ts'
import { KubernetesApi } from '../../../src/kubernetes/kubernetes-api.ts'
import { KubernetesMetadata } from '../../../src/kubernetes/kubernetes-metadata.ts'
import { selfSigned, type Certificate } from '../../support/certificates.ts'
import { eventually } from '../../support/eventually.ts'
import {
  answerJson,
  beginStream,
  hostileAnswers,
  hostileBodies,
  mutated,
  pour,
  startHostileServer,
  tryAllAtOnce,
  type HostileServer,
  type RawAnswer
} from '../../support/neighbours/hostile-server.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'
import { recordingLogger, silentLogger } from '../../support/test-logger.ts'

const MEBIBYTE = 2 ** 20
/** An object may have 8 MiB; besides it, what the kernel holds of a connection. */
const MOST_TAKEN = 20 * MEBIBYTE
const timeoutMs = 400
const retry = { firstMs: 20, maxMs: 100 }
const pod = (annotations: object, more: object = {}): string =>
  JSON.stringify({
    kind: 'Pod',
    metadata: { name: 'p', resourceVersion: '7', labels: {}, annotations },
    status: { podIP: '10.0.0.1' },
    ...more
  })
const GOOD = pod({ note: 'good' })

let folder: TempDir
let certificate: Certificate
beforeAll(async () => {
  folder = await tempDir()
  certificate = await selfSigned()
  await mkdir(folder.file('sa'))
  await writeFile(folder.file('sa/ca.crt'), certificate.cert)
  await writeFile(folder.file('sa/token'), 'token')
})
afterAll(() => folder[Symbol.asyncDispose]())

const start = (answer: RawAnswer): Promise<HostileServer> => startHostileServer(answer, certificate)

function metadataOf({ port }: HostileServer, logger = silentLogger()): KubernetesMetadata {
  const env = {
    KUBERNETES_SERVICE_HOST: '127.0.0.1',
    KUBERNETES_SERVICE_PORT: String(port),
    KONTROL_ID: 'p',
    NAMESPACE: 'n'
  }
  const attempts = { pod: 2, node: 1 }
  return new KubernetesMetadata({ env, serviceAccount: folder.file('sa'), logger, retry, attempts, timeoutMs })
}

describe('a Kubernetes API that is none', () => {
  const answers = {
    ...hostileAnswers(GOOD),
    'a pod of another name': answering(GOOD.replace('"p"', '"other"')),
    'an object of another kind': answering(GOOD.replace('"Pod"', '"Secret"')),
    'annotations that are no text': answering(pod({ note: 1 })),
    'a huge pod': answering(pod({ note: 'x'.repeat(20 * MEBIBYTE) }))
  }

  it('is asked again, and given up, whatever it answers', () =>
    tryAllAtOnce(answers, async (answer) => {
      await using api = await start(answer)
      const startedAt = performance.now()

      const error = await metadataOf(api)
        .discover()
        .catch((reason: unknown) => reason)

      expect(error).toBeInstanceOf(KontrolError)
      expect(error).toMatchObject({ code: 'KTL_KUBERNETES_UNAVAILABLE' })
      expect((error as Error).message.length).toBeLessThan(1000)
      expect(api.requests).toHaveLength(2)
      // Two answers, each of which may take its time to begin and to end.
      expect(performance.now() - startedAt).toBeLessThan(20_000)
      expect(api.taken()).toBeLessThan(2 * MOST_TAKEN)
    }))

  it('is believed what it may say, whatever stands beside it', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const extra = `{"deep":${deep},"n":1e999,"__proto__":{"status":{}},"metadata":{"name":"q"},`
    await using api = await start((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n')
      socket.end(extra + GOOD.slice(1))
    })

    // Of two members of one name the last one counts, as everywhere.
    expect(await metadataOf(api).discover()).toMatchObject({ KONTROL_ID: 'p', KONTROL_IP: '10.0.0.1' })
    expect(({} as { status?: unknown }).status).toBeUndefined()
  })

  it('tells metadata, or is refused, whichever bytes are wrong', async () => {
    let seed = 0
    await using api = await start((socket) => answerJson(socket, mutated(seed, GOOD)))
    for (; seed < 100; seed++) {
      const found = await metadataOf(api)
        .discover()
        .catch((reason: unknown) => reason)
      if (found instanceof Error) expect(found).toMatchObject({ code: 'KTL_KUBERNETES_UNAVAILABLE' })
      else for (const text of Object.values(found as object)) expect(text).toBeTypeOf('string')
    }
  })
})

describe('a watch of Kubernetes that is none', () => {
  const event = (object: string, type = 'MODIFIED'): string => `{"type":"${type}","object":${object}}\n`
  const lines: Record<string, string | Buffer> = {
    ...Object.fromEntries(
      Object.entries(hostileBodies(GOOD)).map(([what, body]) => [
        what,
        Buffer.concat([Buffer.from(body), Buffer.from('\n')])
      ])
    ),
    'an event without an object': '{"type":"MODIFIED"}\n',
    'an error without an object': '{"type":"ERROR","object":null}\n',
    'an error with a long reason': event(`{"message":"${'x'.repeat(MEBIBYTE)}"}`, 'ERROR'),
    'a version that is gone, each time': event('{"code":410}', 'ERROR'),
    'an event of another pod': event(GOOD.replace('"p"', '"other"').replace('good', 'evil')),
    'an event of another kind': event(GOOD.replace('"Pod"', '"Secret"').replace('good', 'evil')),
    'a pod of numbers': event(pod({ note: 1e308 })),
    'a version that is no text': event('{"metadata":{"resourceVersion":1e999}}', 'BOOKMARK'),
    'brackets beside a pod': event(`{"deep":${'['.repeat(100_000)},"metadata":{}}`),
    'invalid UTF-8 in a pod': Buffer.concat([Buffer.from(event(GOOD).replace('good"}', '')), Buffer.from([0xff, 0x0a])])
  }
  const streams: Record<string, RawAnswer> = {
    ...Object.fromEntries(
      Object.entries(lines).map(([what, line]): [string, RawAnswer] => [
        what,
        (socket) => (beginStream(socket), void socket.end(line))
      ])
    ),
    'a line without an end': (socket) => (beginStream(socket), void pour(socket, 'x'.repeat(64 * 1024))),
    'bookmarks, each of which ends it': (socket) => {
      beginStream(socket)
      socket.end(event(`{"metadata":{"resourceVersion":"${performance.now()}"}}`, 'BOOKMARK'))
    }
  }

  it('changes nothing, and is tried again with pauses', () =>
    tryAllAtOnce(streams, async (stream) => {
      let now = GOOD
      await using api = await start((socket, request) =>
        request.includes('watch=true') ? stream(socket, request) : answerJson(socket, now)
      )
      const { logger, lines: told } = recordingLogger()
      const metadata = metadataOf(api, logger)
      await metadata.discover()
      const seen: unknown[] = []
      const startedAt = performance.now()
      const stop = metadata.watch((annotations) => seen.push(annotations))
      const watches = (): number => api.requests.filter((line) => line.includes('watch=true')).length
      try {
        await eventually(() => watches() >= 3)
        expect(watches()).toBeLessThan(4 + (performance.now() - startedAt) / (retry.firstMs / 2))
        expect(seen).toEqual([])
        expect(api.taken()).toBeLessThan(watches() * MOST_TAKEN)
        for (const line of told) {
          expect(JSON.stringify(line).length).toBeLessThan(1000)
          if (line.msg === 'annotations not watched for a moment') expect(line.code).toBe('KTL_KUBERNETES_UNAVAILABLE')
        }

        now = pod({ note: 'edited' })
        api.answer = (socket, request) => {
          if (!request.includes('watch=true')) return answerJson(socket, now)
          beginStream(socket)
          socket.write(event(now))
        }
        await eventually(() => seen.length > 0)
        expect(seen).toEqual([{ note: 'edited' }])
      } finally {
        stop()
      }
    }))

  it('ends some time after a server would have ended it, however steadily something comes', async () => {
    await using api = await start((socket) => (beginStream(socket), void socket.write('\n')))
    const { port } = api
    const asked = new KubernetesApi({ host: '127.0.0.1', port, serviceAccount: folder.file('sa'), timeoutMs })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const stream = await asked.watch('/watch', 'a rule', new AbortController().signal)
      const all = (async () => {
        for await (const chunk of stream) expect(String(chunk)).toBe('\n')
      })()
      vi.advanceTimersByTime(270_000)
      await expect(all).rejects.toThrowError('no end within 270000 ms')
    } finally {
      vi.useRealTimers()
      await asked.close()
    }
  })
})

function answering(body: string): RawAnswer {
  return (socket) => answerJson(socket, body)
}
