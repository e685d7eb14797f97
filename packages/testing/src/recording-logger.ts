import { ConsoleLogger, type LogLevel } from '@hookline/core';

/** A logger that keeps its lines. */
export class RecordingLogger extends ConsoleLogger {
  /** The logged lines. */
  readonly lines: readonly string[];

  constructor(level: LogLevel = 'debug') {
    const lines: string[] = [];
    super({ level, live: false, stream: { write: (text: string) => lines.push(text.trimEnd()) } });
    this.lines = lines;
  }

  /** The lines that contain `text`. */
  matching(text: string): readonly string[] {
    return this.lines.filter((line) => line.includes(text));
  }
}
