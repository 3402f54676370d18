// Creates the log, which consists of JSON lines. Each part receives it, or a child of it, through its constructor.
import { pino, type DestinationStream, type Logger } from "pino";

/** @param stream standard output by default */
export function createLog(level: string, stream?: DestinationStream): Logger {
  return pino({ level, redact: ["req.headers.authorization", "req.headers.cookie"] }, stream);
}
