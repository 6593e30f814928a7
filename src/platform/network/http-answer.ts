import type { ClientRequest, IncomingMessage } from 'node:http'

/**
 * Resolves when the head of the answer has come. An answer that changes the protocol (101), which nobody asked for, makes
 * Node close the request without a word: neither an error nor an abort would be told any more.
 */
export function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('error', reject)
    request.on('close', () => reject(new Error('the connection was closed without an answer')))
    request.once('response', resolve)
  })
}
