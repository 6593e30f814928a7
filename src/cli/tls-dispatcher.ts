import { X509Certificate } from 'node:crypto'
import { rootCertificates, type TLSSocket } from 'node:tls'
import { Agent, buildConnector } from 'undici'
import type { TlsCredentials } from '../slave/http-master.ts'

/** Connections that show a certificate, and trust the authority beside the public ones. */
export function tlsDispatcher({ cert, key, ca }: TlsCredentials): Agent {
  return new Agent({ connect: { cert, key, ...(ca !== undefined && { ca: [...rootCertificates, ca] }) } })
}

/**
 * Connections to the control tier of this host: it is reached by an address
 * that its certificate does not name, so the certificate has to be the very one
 * that it was given.
 */
export function ownTlsDispatcher({ cert, key }: TlsCredentials): Agent {
  // A resumed session shows no certificate.
  const connector = buildConnector({ cert, key, rejectUnauthorized: false, maxCachedSessions: 0 })
  const { fingerprint256 } = new X509Certificate(cert)
  return new Agent({
    connect(options, callback) {
      connector(options, (...[error, socket]) => {
        if (error !== null) return callback(error, null)
        if ((socket as TLSSocket).getPeerCertificate().fingerprint256 === fingerprint256) return callback(null, socket)
        socket.destroy()
        callback(new Error('it shows another certificate than that of KONTROL_TLS_CERT'), null)
      })
    }
  })
}
