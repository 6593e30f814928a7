import { describe, expect, it } from 'vitest'
import { maskConfiguration, maskValues, secretsIn } from '../../../src/model/masking.ts'

const CONFIG = `global
  setenv STATS_PASSWORD hunter22
  setenv REGION eu-west-1
userlist people
  user ann password $5$salt$hash groups admin
  user bob insecure-password "two words" groups admin
  #user carl insecure-password commented
frontend f
  stats auth admin:s3cret:x
  stats auth "admin:s3cret two"
  stats realm auth
  bind :443 ssl crt /etc/site.pem
  http-request set-header Authorization "Basic dXNlcjpwYXNz" if { path /a }
  http-request set-header Authorization %[var(txn.auth)]
  http-request set-header X-Request-Id %[uuid()]
  http-request deny unless { http_auth(people) }
  http-request set-var(txn.ok) req.hdr(x),hmac(sha256,a2V5),hex
backend b
  dynamic-cookie-key MyKey
  option httpchk
  http-check send meth GET uri /health hdr authorization "Bearer abcdef"
  tcp-check send AUTH\\ redis-pass\\r\\n
  server one 10.0.0.1:80 check
  log ring@x user:pw
  http-request redirect location https://joe:joespass@example.com/
`

describe('maskConfiguration', () => {
  it('shows everything but the secrets', () => {
    expect(maskConfiguration(CONFIG)).toBe(`global
  setenv STATS_PASSWORD ***
  setenv REGION eu-west-1
userlist people
  user ann password *** groups admin
  user bob insecure-password *** groups admin
  #user carl insecure-password ***
frontend f
  stats auth admin:***
  stats auth "admin:***
  stats realm auth
  bind :443 ssl crt /etc/site.pem
  http-request set-header Authorization *** if { path /a }
  http-request set-header Authorization %[var(txn.auth)]
  http-request set-header X-Request-Id %[uuid()]
  http-request deny unless { http_auth(people) }
  http-request set-var(txn.ok) req.hdr(x),hmac(sha256,***),hex
backend b
  dynamic-cookie-key ***
  option httpchk
  http-check send meth GET uri /health hdr authorization ***
  tcp-check send ***
  server one 10.0.0.1:80 check
  log ring@x user:pw
  http-request redirect location https://joe:***@example.com/
`)
  })

  it('masks the lines of a diff, however they are written', () => {
    const diff =
      '-  stats  auth\tadmin:old1\n+  "stats" auth admin:new1\n+  st\\ats auth admin:new2\n   user a insecure-password \'x y\''

    expect(maskConfiguration(diff)).toBe(
      '-  stats  auth\tadmin:***\n+  "stats" auth admin:***\n+  st\\ats auth admin:***\n   user a insecure-password ***'
    )
  })

  it('leaves a configuration without secrets as it is, and masks values that are known', () => {
    const plain = 'backend b\n  server a 10.0.0.1:80 cookie k-of-operators\n'

    expect(maskConfiguration(plain)).toBe(plain)
    expect(maskConfiguration(plain, ['k-of-operators'])).toBe('backend b\n  server a 10.0.0.1:80 cookie ***\n')
  })

  it('knows the secrets again in a sentence about the configuration', () => {
    const sentence = `parsing [haproxy.cfg:6] : unknown keyword 's3cret:x' after 'two words' near 'Basic dXNlcjpwYXNz'`

    const masked = maskValues(sentence, secretsIn(CONFIG))
    expect(masked).toBe("parsing [haproxy.cfg:6] : unknown keyword '***' after '***' near '***'")
  })
})
