import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { findKontrolError, KontrolError, problemOf, type ErrorCode } from '../errors.ts'

/** Turns any error into one body shape; what was not foreseen is logged in full and sent empty-handed. */
export function errorHandler(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = foreseen(error)
  if (known === undefined) {
    request.log.error({ err: error, method: request.method, url: request.url }, 'unexpected error in a request')
    return send(
      reply,
      new KontrolError('KTL_UNEXPECTED', 'Unexpected error', {
        hint: 'Read the log of this process for the stack trace.'
      })
    )
  }
  if (known.statusCode >= 500) {
    request.log.error({ err: error, method: request.method, url: request.url }, 'request failed')
  }
  return send(reply, known)
}

/** What a client is told of it; undefined for what nobody foresaw. */
export const foreseen = (error: FastifyError): KontrolError | undefined => findKontrolError(error) ?? fromFastify(error)

export function send(reply: FastifyReply, error: KontrolError): FastifyReply {
  // Past the serializer of the route: an error must never fail to be told.
  return reply
    .code(error.statusCode)
    .type('application/json; charset=utf-8')
    .serializer(JSON.stringify)
    .send(problemOf(error))
}

const byFastifyCode: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['KTL_BODY_TOO_LARGE', 'Send at most 64 KiB; to PUT /script 256 KiB.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['KTL_REQUEST_INVALID', 'Make Content-Length match the body.'],
  FST_ERR_VALIDATION: ['KTL_REQUEST_INVALID', 'See GET /openapi.json for what this route takes.']
}

function fromFastify(error: FastifyError): KontrolError | undefined {
  const row = byFastifyCode[error.code]
  if (row !== undefined) return new KontrolError(row[0], error.message, { hint: row[1], cause: error })
  if (error.statusCode === undefined || error.statusCode >= 500) return undefined
  return new KontrolError('KTL_REQUEST_INVALID', error.message, {
    hint: 'See GET /openapi.json for what this route takes.',
    cause: error
  })
}
