import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type, type Static } from 'typebox'
import { refusal } from '../description/answers.ts'
import { LifecycleStatus, SettledBody } from '../description/bodies.ts'
import { nextPage, pageOf, pageQuery } from '../pages.ts'

export interface LifecycleControl {
  /** Shown as it is, but for the history that is not asked for. */
  status(): Static<typeof LifecycleStatus>
  goto(tag: string, input: string): Promise<void>
  wait(tag: string, input: string): Promise<Static<typeof SettledBody>>
}

const Transition = Type.Object(
  {
    state: Type.String({ minLength: 1, description: 'Tag of the state to go to' }),
    input: Type.Optional(Type.String({ description: '$INPUT of the state' })),
    wait: Type.Optional(Type.Boolean({ description: 'Answer once the machine is at rest' }))
  },
  { additionalProperties: false, examples: [{ state: 'render', wait: true }] }
)

const LifecycleBody = Type.Object({ ...LifecycleStatus.properties, next: nextPage(Type.Integer()) })

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
        response: { 200: LifecycleBody }
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
        response: {
          200: { description: 'With `wait`: the machine is at rest', ...SettledBody },
          202: Type.Object({ state: Type.String() }, { description: 'The step of the state has begun' }),
          409: refusal('The state may not be asked for now'),
          503: refusal('Too many transitions wait, or the machine has ended')
        }
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
