/** A proxy in front of a large app and of the one that a bench watches. */
export const fleetTemplate = (address: string, port: number, extra = ''): string => `
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  default-server inter 120s fall 1 rise 1
frontend proxy
  bind ${address}:8080
  use_backend probe if { path_beg /probe }
  default_backend fleet
backend probe
  ${extra}
  {%- for ip in hosts.probe %}
  server probe-{{ loop.index }} {{ ip }}:${port} check
  {%- endfor %}
backend fleet
  balance leastconn
  {%- for ip in hosts.fleet %}
  server fleet-{{ loop.index }} {{ ip }}:${port} check
  {%- endfor %}
`

export const fleetIp = (n: number): string => `127.100.${n >> 8}.${n & 255}`

/** Of one new slave after the other. */
export const probeIp = (n: number): string => `127.200.${n >> 8}.${n & 255}`
