/** MAX_ARG_STRLEN of Linux: bytes of one argument, or one NAME=value, with its final zero; execve() fails beyond. */
const LARGEST_STRING = 128 * 1024

/** Whether a process can be started with the argument. */
export const fitsArgument = (argument: string): boolean => Buffer.byteLength(argument) < LARGEST_STRING

/** Whether a process can be started with the variable. */
export const fitsEnvironment = (name: string, value: string): boolean => fitsArgument(`${name}=${value}`)

/**
 * The variable as an environment takes it: undefined, and thus left out with an
 * inherited one of that name, past 128 KiB. A script then finds the value in a file.
 */
export const variableIfItFits = (name: string, value: string | undefined): string | undefined =>
  value !== undefined && fitsEnvironment(name, value) ? value : undefined
