/** What `action` of a manifest may name: the steps that drive HAProxy and its DNS record. */
export const builtInActions = ['setup', 'render', 'configure', 'restart', 'expose-via-route53', 'shutdown'] as const
