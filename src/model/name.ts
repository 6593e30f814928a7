/** What may reach a configuration file as a name: no white space, no quotes, nothing HAProxy reads as syntax. */
export const NAME = '^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$'

/** A pod's name may be a full DNS name. */
export const ID = '^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$'

const namePattern = new RegExp(NAME)

/** Whether a text may stand for an app or a role. */
export const isName = (text: string): boolean => namePattern.test(text)
