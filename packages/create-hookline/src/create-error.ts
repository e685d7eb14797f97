/** An error that says what to do. It is a separate class, so that `npm create` has to download no other package. */
export class CreateError extends Error {
  override readonly name = 'CreateError';
  readonly code: string;

  /** @param fix what to do, a sentence without its full stop */
  constructor(code: string, what: string, fix: string, options?: ErrorOptions) {
    super(`[${code}] ${what}. ${fix}.`, options);
    this.code = code;
  }
}
