import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { pageOf, pageQuery } from '../pages.ts'
import { errorResponses } from '../error-handler.ts'

export interface LifecycleControl {
  /** Shown as it is, but for the history that is not asked for. */
  status(): { history: readonly { id: number }[] }
  goto(tag: string, input: string): Promise<void>
  wait(tag: string, input: string): Promise<unknown>
}

const Transition = Type.Object(
  {
    state: Type.String({ minLength: 1, description: 'Tag of the state to go to' }),
    input: Type.Optional(Type.String({ description: '$INPUT of the state' })),
    wait: Type.Optional(Type.Boolean({ description: 'Answer once the machine is at rest' }))
  },
  { additionalProperties: false }
)

export const lifecycleRoutes: FastifyPluginAsyncTypebox<{ lifecycle: LifecycleControl }> = async (
  app,
  { lifecycle }
) => {
  app.get(
    '/api/v1/lifecycle',
    {
      schema: {
        operationId: 'getLifecycle',
        summary: 'Where the automaton stands, and how it came there',
        tags: ['lifecycle'],
        querystring: Type.Object(
          pageQuery(Type.Integer({ description: 'Only history behind the step of this `id`' })),
          {
            additionalProperties: false
          }
        ),
        response: { 200: Type.Unknown(), ...errorResponses }
      }
    },
    ({ query }) => {
      const { history, ...status } = lifecycle.status()
      const { page, ...next } = pageOf(history, ({ id }) => id, query)
      return { ...status, history: page, ...next }
    }
  )

  app.post(
    '/api/v1/lifecycle/transitions',
    {
      schema: {
        operationId: 'requestTransition',
        summary: 'Moves the automaton',
        tags: ['lifecycle'],
        body: Transition,
        response: { 200: Type.Unknown(), 202: Type.Unknown(), ...errorResponses }
      }
    },
    async (request, reply) => {
      const { state, input = '', wait = false } = request.body
      if (wait) return lifecycle.wait(state, input)
      await lifecycle.goto(state, input)
      return reply.code(202).send({ state })
    }
  )
}
