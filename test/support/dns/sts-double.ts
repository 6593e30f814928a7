import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface StsDouble extends AsyncDisposable {
  url: string
  /** Form fields of each request. */
  requests: URLSearchParams[]
  /** From now on answers so. */
  refuse(code: string, message: string): void
}

/** AssumeRoleWithWebIdentity, which gives a pod's service account its credentials: those that are handed in. */
export async function startStsDouble(accessKeyId: string, secretAccessKey: string): Promise<StsDouble> {
  const requests: URLSearchParams[] = []
  let refusal: string | undefined
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      requests.push(new URLSearchParams(body))
      response.writeHead(refusal === undefined ? 200 : 403, { 'content-type': 'text/xml' })
      response.end(refusal ?? credentials(accessKeyId, secretAccessKey))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    refuse(code, message) {
      refusal = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>7a62c49f</RequestId></ErrorResponse>`
    },
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    }
  }
}

const credentials = (id: string, secret: string): string =>
  `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>${id}</AccessKeyId><SecretAccessKey>${secret}</SecretAccessKey><SessionToken>session</SessionToken><Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`
