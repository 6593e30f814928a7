import { X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { partsOf } from '../../../src/bootstrap/observers.ts'
import { selfSigned } from '../../support/certificates.ts'
import { tempDir } from '../../support/temp-dir.ts'

describe('the end of the certificate, as a metric', () => {
  it('is that of the one which is served, whatever has come into its file since', async () => {
    await using dir = await tempDir()
    const { cert } = await selfSigned()
    const tlsCert = dir.file('tls.pem')
    await writeFile(tlsCert, cert)
    const { certificateEnd } = partsOf({ config: { tlsCert } } as never)

    await writeFile(tlsCert, 'about to be renewed')

    expect(certificateEnd?.()).toBe(Date.parse(new X509Certificate(cert).validTo))
  })
})
