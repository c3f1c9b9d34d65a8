/**
 * Downloads one file: fetch-worker.js URL PATH. The file appears under PATH when it is complete.
 * Exit status: 0 it is there, 3 the server does not have it, 1 another failure, told on standard
 * error. A server that sends nothing for $DEBUGINFOD_TIMEOUT seconds (90) has failed.
 */
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";

const NOT_THERE = 3;
const DEFAULT_TIMEOUT_SECONDS = 90;
/** A download that takes longer than this is told of; then it is told again as often. */
const PROGRESS_MS = 1000;
const MEGABYTE = 2 ** 20;

const [url = "", path = ""] = process.argv.slice(2);

try {
  process.exitCode = await fetchFile();
} catch (error) {
  const { message, cause } = error as Error;
  const reason = cause instanceof Error ? `${message}: ${cause.message}` : message;
  process.stderr.write(`WARNING: cannot download '${url}': ${reason}\n`);
  process.exitCode = 1;
}

async function fetchFile(): Promise<number> {
  const watchdog = startWatchdog();
  const response = await fetch(url, { signal: watchdog.signal });
  if (response.status === 404) return NOT_THERE;
  if (!response.ok || response.body === null) throw new Error(`HTTP status ${response.status}`);
  const unfinished = `${path}.${process.pid}`;
  const total = Number(
    response.headers.get("content-length") ?? response.headers.get("x-debuginfod-size"),
  );
  try {
    await pipeline(
      chunks(response.body, total, watchdog.refresh),
      createWriteStream(unfinished, { flags: "wx", mode: 0o600 }),
    );
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  return 0;
}

interface Watchdog {
  readonly signal: AbortSignal;
  /** Something came. */
  refresh(): void;
}

function startWatchdog(): Watchdog {
  const seconds = Number(process.env["DEBUGINFOD_TIMEOUT"]) || DEFAULT_TIMEOUT_SECONDS;
  const abort = new AbortController();
  const timer = setTimeout(() => {
    abort.abort(new Error(`nothing came for ${seconds} seconds`));
  }, seconds * 1000);
  timer.unref();
  return { signal: abort.signal, refresh: () => timer.refresh() };
}

/** What comes of `body`; says from time to time how much of `total` bytes that was. */
async function* chunks(
  body: ReadableStream<Uint8Array>,
  total: number,
  onData: () => void,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const started = Date.now();
  let bytes = 0;
  let told = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.length;
    onData();
    const elapsed = Math.floor((Date.now() - started) / PROGRESS_MS);
    if (elapsed > told) tellProgress(bytes, total, told === 0);
    told = Math.max(told, elapsed);
    yield value;
  }
  if (told > 0 && process.stderr.isTTY) process.stderr.write("\n");
}

/** On a terminal one line that changes, else one line at first. */
function tellProgress(bytes: number, total: number, isFirst: boolean): void {
  const all = total > 0 ? ` of ${(total / MEGABYTE).toFixed(1)}` : "";
  const text = `Downloading ${url}: ${(bytes / MEGABYTE).toFixed(1)}${all} MB`;
  if (process.stderr.isTTY) process.stderr.write(`\r${text}`);
  else if (isFirst) process.stderr.write(`${text}\n`);
}
