/**
 * JSON Schema as it is: what every process has, slaves alone among them, is
 * described without TypeBox, which alone takes 13 MB.
 */
export const problemBody = {
  type: 'object',
  required: ['code', 'message'],
  properties: {
    code: { type: 'string', description: 'Stable; see docs/errors.md' },
    message: { type: 'string' },
    hint: { type: 'string', description: 'What to do about it' }
  },
  examples: [{ code: 'KTL_NOT_FOUND', message: 'There is no /nowhere', hint: 'GET /openapi.json lists what there is.' }]
}

/** As it is written beside other schemas: the document has it once. */
export const problemRef = { $ref: '#/components/schemas/Problem' }

/** An answer that is an error. */
export const refusal = (description: string, headers?: Readonly<Record<string, object>>) => ({
  description,
  ...(headers !== undefined && { headers }),
  content: { 'application/json': { schema: problemRef } }
})

/** An answer that is no JSON. */
export const textAnswer = (type: string, description: string) => ({
  description,
  content: { [type]: { schema: { type: 'string' } } }
})

/** An answer without a body. */
export const emptyAnswer = (description: string, headers: Readonly<Record<string, object>>) => ({
  ...{ type: 'null', description },
  headers
})
