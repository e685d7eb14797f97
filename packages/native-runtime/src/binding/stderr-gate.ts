import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The addon's file name, beside the binding in the cache. */
export const STDERR_GATE_FILE = 'stderr_gate.node';

/**
 * A tiny addon that holds back what native code writes to standard error. TensorFlow writes notes while its library is
 * being loaded, before it reads any setting, and JavaScript alone cannot redirect a file descriptor.
 */
export const STDERR_GATE_SOURCE = `
#include <node_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int original = -1;
static FILE *held = NULL;

static napi_value close_gate(napi_env env, napi_callback_info info) {
  if (original >= 0) return NULL;
  held = tmpfile();
  if (held == NULL) return NULL;
  fflush(stderr);
  original = dup(2);
  if (original < 0 || dup2(fileno(held), 2) < 0) {
    if (original >= 0) close(original);
    original = -1;
    fclose(held);
  }
  return NULL;
}

static napi_value open_gate(napi_env env, napi_callback_info info) {
  napi_value text = NULL;
  if (original < 0) {
    napi_create_string_utf8(env, "", 0, &text);
    return text;
  }
  fflush(stderr);
  dup2(original, 2);
  close(original);
  original = -1;
  long size = lseek(fileno(held), 0, SEEK_END);
  lseek(fileno(held), 0, SEEK_SET);
  char *buffer = malloc(size > 0 ? size : 1);
  ssize_t count = buffer == NULL ? 0 : read(fileno(held), buffer, size);
  napi_create_string_utf8(env, buffer == NULL ? "" : buffer, count > 0 ? count : 0, &text);
  free(buffer);
  fclose(held);
  return text;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "close", NAPI_AUTO_LENGTH, close_gate, NULL, &function);
  napi_set_named_property(env, exports, "close", function);
  napi_create_function(env, "open", NAPI_AUTO_LENGTH, open_gate, NULL, &function);
  napi_set_named_property(env, exports, "open", function);
  return exports;
}
`;

interface StderrGate {
  close(): void;
  /** Lets standard error through again and gives what was held back. */
  open(): string;
}

/**
 * Loads native code without the notes that TensorFlow writes meanwhile; warnings and errors still come through, after
 * it. Does nothing where setup has built no gate, or where `TF_CPP_MIN_LOG_LEVEL` is 0, which asks for every note.
 */
export function withoutNotes<T>(bindingPath: string, env: NodeJS.ProcessEnv, work: () => T): T {
  const path = join(dirname(realpathSync(bindingPath)), STDERR_GATE_FILE);
  if (env['TF_CPP_MIN_LOG_LEVEL'] === '0' || !existsSync(path)) return work();
  const gate = createRequire(path)(path) as StderrGate;
  gate.close();
  try {
    return work();
  } finally {
    const kept = dropNotes(gate.open());
    if (kept !== '') process.stderr.write(kept);
  }
}

const LOG_LINE = /^(?:([IWEF])\d{4} |\d{4}-\d{2}-\d{2} [\d:.]+: ([IWEF]) )/;
const PREAMBLE = 'WARNING: All log messages before absl::InitializeLog()';

/** Removes TensorFlow's notes (severity I) with their continuation lines. */
export function dropNotes(text: string): string {
  let dropping = false;
  const kept = text.split('\n').filter((line) => {
    if (line.startsWith(PREAMBLE)) return false;
    const found = LOG_LINE.exec(line);
    if (found !== null) dropping = (found[1] ?? found[2]) === 'I';
    return !dropping;
  });
  const result = kept.join('\n').replace(/\n+$/, '');
  return result === '' ? '' : `${result}\n`;
}
