import { definePluginService } from '../container/service-ref.ts';
import { terminalText } from '../terminal-text.ts';

/** Receives messages for people. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
  /**
   * Shows a status line on a terminal, which the next one replaces; undefined removes it. Does nothing where there is
   * no terminal.
   */
  status(line: string | undefined): void;
  /** Whether {@link Logger.status} shows anything. */
  readonly live: boolean;
}

/** Gives the plugin a {@link Logger} whose warnings and errors name the plugin. */
export const loggerRef = definePluginService<Logger>('logger', {
  description: 'messages for people, named after the plugin',
});

/** The least severe messages that are shown. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

interface Terminal {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/**
 * Writes lines to a stream, standard error by default, and keeps a status line below them on a terminal. Control
 * characters in messages are made visible.
 */
export class ConsoleLogger implements Logger {
  readonly #stream: Terminal;
  readonly #level: number;
  readonly live: boolean;
  #status: string | undefined;

  constructor({
    level = 'info',
    stream = process.stderr,
    live,
  }: { level?: LogLevel; stream?: Terminal; live?: boolean } = {}) {
    this.#stream = stream;
    this.#level = LEVELS.indexOf(level);
    this.live = live ?? (stream.isTTY === true && process.env['TERM'] !== 'dumb');
  }

  debug(message: string): void {
    this.#line('debug', message);
  }

  info(message: string): void {
    this.#line('info', message);
  }

  warn(message: string): void {
    this.#line('warn', `warning: ${message}`);
  }

  error(message: string): void {
    this.#line('error', `error: ${message}`);
  }

  status(line: string | undefined): void {
    if (!this.live || line === this.#status) return;
    this.#status = line;
    // A line that is longer than the terminal is wide would wrap, and only its last row would be replaced.
    const text = terminalText(line ?? '').replaceAll('\n', String.raw`\n`);
    this.#stream.write(`\r\u001b[K${text.slice(0, (this.#stream.columns ?? 80) - 1)}`);
  }

  #line(level: LogLevel, message: string): void {
    if (LEVELS.indexOf(level) < this.#level) return;
    const status = this.#status;
    this.status(undefined);
    this.#stream.write(`${terminalText(message)}\n`);
    this.status(status);
  }
}

/** A logger whose warnings and errors begin with the name of a plugin. */
export function pluginLogger(logger: Logger, plugin: string): Logger {
  return {
    debug: (message) => logger.debug(`${plugin}: ${message}`),
    info: (message) => logger.info(message),
    warn: (message) => logger.warn(`${plugin}: ${message}`),
    error: (message) => logger.error(`${plugin}: ${message}`),
    status: (line) => logger.status(line),
    live: logger.live,
  };
}
