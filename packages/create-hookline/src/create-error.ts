/** An error that says what to do. Its own class, so that `npm create` downloads nothing else. */
export class CreateError extends Error {
  override readonly name = 'CreateError';
  readonly code: string;

  /** @param fix what to do, a sentence without its full stop */
  constructor(code: string, what: string, fix: string, options?: ErrorOptions) {
    super(`[${code}] ${what}. ${fix}.`, options);
    this.code = code;
  }
}
