import type { FastifyPluginAsync } from 'fastify'
import { KontrolError } from '../../errors.ts'
import type { Caller } from '../../access/caller.ts'
import { NAME } from '../../model/name.ts'
import { callerOf, type RouteAccess } from '../auth.ts'
import { foreseen } from '../error-handler.ts'
import { refusal, textAnswer } from '../description/answers.ts'
import type { RouteDescription } from '../description/describe-api.ts'

export interface KontrolRouteDeps {
  /** Absent when this process is no master. */
  keepalives: KeepaliveSink | undefined
  scripts: ScriptSink
  /** Leaves gracefully and ends the process; answers before it is done. */
  leave: () => void
}

export interface KeepaliveSink {
  /**
   * Checks and takes what a slave sent; the promise, if there is one, ends when a new pod is recorded. A payload that
   * cannot be kept is left out, and the reason told.
   *
   * @throws KontrolError KTL_KEEPALIVE_INVALID, KTL_UNAUTHORIZED, KTL_FORBIDDEN
   */
  take(body: unknown, caller: Caller, onBadPayload?: (problem: string) => void): void | Promise<void>
  /** Told of each that was refused, by `take` or before it came so far. */
  refused(error: unknown): void
  callbackState(): string | undefined
}

interface ScriptSink {
  run(body: unknown, caller: Caller): Promise<string>
}

/** A command may carry the hosts of some thousand pods; Kontrol's took what one process can be given, half of this. */
const SCRIPT_BYTES = 256 * 1024

const name = { type: 'string', pattern: NAME }

/** As it is described. What comes `parseKeepalive` checks: it takes a number as id, and wants both it and the role to be plain names. */
const keepaliveBody = {
  type: 'object',
  required: ['app', 'id', 'ip', 'key', 'role'],
  properties: {
    app: { ...name, description: 'A key of `hosts`' },
    id: { type: 'string', maxLength: 253, description: 'Of the pod' },
    ip: { type: 'string', description: 'Literal IPv4 or IPv6 address of a host' },
    key: { ...name, description: 'Identity of the pod: base62 of its address' },
    role: { type: 'string', maxLength: 63 },
    nonce: { type: 'string', maxLength: 64, description: 'Changes when the slave restarts' },
    payload: { description: 'Any JSON, 32 KiB and 32 levels at most' },
    down: { type: 'boolean', description: 'True in the last keepalive of a pod that leaves' }
  },
  examples: [{ app: 'web', id: 'web-1', ip: '127.0.0.11', key: '2kce4X', role: 'web', payload: { port: 8080 } }]
}

const scriptBody = {
  type: 'object',
  required: ['cmd'],
  properties: { cmd: { type: 'string', description: 'What KONTROL_SCRIPT allows' } },
  examples: [{ cmd: 'echo STATE | socat - /tmp/sock' }]
}

/** Kontrol's own requests, byte for byte what its clients know. */
export const kontrolRoutes: FastifyPluginAsync<KontrolRouteDeps> = async (app, { keepalives, scripts, leave }) => {
  app.put(
    '/ping',
    {
      config: { needs: 'ping', body: keepaliveBody } satisfies RouteAccess & RouteDescription,
      schema: {
        operationId: 'ping',
        summary: 'A slave says that it is alive',
        tags: ['kontrol'],
        response: {
          200: textAnswer('text/plain', 'Empty, or why the payload was left out'),
          409: refusal('This process is no master'),
          503: refusal('The registry takes no new pod now')
        }
      },
      errorHandler(error) {
        keepalives?.refused(foreseen(error))
        throw error
      }
    },
    async (request, reply) => {
      if (keepalives === undefined) throw notAMaster()
      let answer = ''
      const onBadPayload = (problem: string): void => void (answer = `Taken without its payload: ${problem}`)
      await keepalives.take(request.body, callerOf(request), onBadPayload)
      return reply.code(200).type('text/plain; charset=utf-8').send(answer)
    }
  )

  app.get(
    '/state',
    {
      schema: {
        operationId: 'getState',
        summary: 'What the last callback printed, or the built-in reaction',
        tags: ['kontrol'],
        response: {
          200: {
            description: 'What it printed; empty, and then no JSON, before the first one',
            content: { 'application/json': { schema: {} } }
          }
        }
      }
    },
    async (_request, reply) => {
      const state = keepalives?.callbackState() ?? ''
      return reply.type('application/json; charset=utf-8').serializer(String).send(state)
    }
  )

  app.put(
    '/script',
    {
      bodyLimit: SCRIPT_BYTES,
      config: { needs: 'command', body: scriptBody } satisfies RouteAccess & RouteDescription,
      schema: {
        operationId: 'runScript',
        summary: 'Runs a command, within what KONTROL_SCRIPT allows',
        tags: ['kontrol'],
        response: {
          200: textAnswer('text/plain', 'Standard output without its final newline'),
          502: refusal('The automaton of this pod does not answer'),
          503: refusal('Too many commands wait')
        }
      }
    },
    async (request, reply) => {
      const output = await scripts.run(request.body, callerOf(request))
      return reply.type('text/plain; charset=utf-8').send(output)
    }
  )

  app.post(
    '/down',
    {
      schema: {
        operationId: 'leave',
        summary: 'Leaves gracefully: a last keepalive with "down", then the process ends',
        tags: ['kontrol'],
        response: { 200: textAnswer('text/plain', 'Always empty') }
      }
    },
    async (_request, reply) => {
      reply.raw.once('finish', leave)
      return reply.type('text/plain; charset=utf-8').send('')
    }
  )
}

function notAMaster(): KontrolError {
  return new KontrolError('KTL_NOT_A_MASTER', 'This process is no master and keeps no registry', {
    hint: 'Set KONTROL_MODE=master,slave here, or point kontrol.unity3d.com/master at a master.'
  })
}
