import { writeFile } from 'node:fs/promises'
import { describe, expect, it, vi } from 'vitest'
import { startDns, type DnsFixture } from '../../support/dns/dns-fixture.ts'
import { startStsDouble, type StsDouble } from '../../support/dns/sts-double.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'

const never = new AbortController().signal
const ROLE = 'arn:aws:iam::123456789012:role/kontrol-haproxy'

/** What the webhook of EKS puts into a pod whose service account has a role, in place of a key. */
async function giveRole({ double }: DnsFixture, dir: TempDir): Promise<StsDouble> {
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = double.env
  const sts = await startStsDouble(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)
  await writeFile(dir.file('token'), 'token-of-the-service-account')
  vi.stubEnv('AWS_ACCESS_KEY_ID', undefined)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined)
  vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.url)
  vi.stubEnv('AWS_ROLE_ARN', ROLE)
  vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', dir.file('token'))
  return sts
}

describe('the role of a service account', () => {
  it('is enough to write', async () => {
    await using dir = await tempDir()
    await using dns = await startDns({ '': 'foo.bar.com' })
    await using sts = await giveRole(dns, dir)
    const zone = dns.double.addZone('Z1', 'bar.com')

    await dns.exposer.expose(['192.0.2.1'], never)

    expect(zone.valuesOf('foo.bar.com', 'A')).toEqual(['192.0.2.1'])
    expect(sts.requests.map((form) => [form.get('RoleArn'), form.get('WebIdentityToken')])).toEqual([
      [ROLE, 'token-of-the-service-account']
    ])
  })

  it('that does not trust the pod is told apart from one that may not do enough', async () => {
    await using dir = await tempDir()
    await using dns = await startDns({ '': 'foo.bar.com' })
    await using sts = await giveRole(dns, dir)
    sts.refuse('AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity')

    await expect(dns.exposer.expose(['192.0.2.1'], never)).rejects.toMatchObject({
      code: 'KTL_DNS_DENIED',
      message: expect.stringContaining('sts:AssumeRoleWithWebIdentity') as string,
      hint: expect.stringContaining('trust policy') as string
    })
  })
})
