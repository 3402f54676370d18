// Joins the small pieces of a request body, and limits their number. Node allocates a Buffer of about 400 bytes for
// each piece, even for a single byte, and all other limits on bodies count only the bytes.
import { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

/** Pieces of at least this size are passed on unchanged. */
const SMALL_PIECE_BYTES = 4 * 1024;

/** Number of pieces that may have any size: far more than a chunked or slow upload of a normal client has. */
const FREE_PIECE_COUNT = 2_000;

/** Minimum mean size of the pieces beyond `FREE_PIECE_COUNT`. A TCP segment has 500 bytes or more. */
const MIN_MEAN_PIECE_BYTES = 256;

/**
 * Creates the class of requests for an HTTP server.
 *
 * @param refuse closes the connection of a request whose body has too many pieces
 */
export function requestMessageClass(refuse: (socket: Socket) => void): typeof IncomingMessage {
  return class RequestMessage extends IncomingMessage {
    #pieces: Buffer[] = [];
    #waitingBytes = 0;
    #bodyBytes = 0;
    #pieceCount = 0;
    #isRefused = false;

    override push(piece: Buffer | null): boolean {
      if (this.#isRefused) return true;
      if (piece === null) {
        this.#passOn();
        return super.push(null);
      }
      this.#bodyBytes += piece.length;
      this.#pieceCount += 1;
      if (this.#pieceCount > FREE_PIECE_COUNT + this.#bodyBytes / MIN_MEAN_PIECE_BYTES) {
        this.#isRefused = true;
        this.#pieces = [];
        refuse(this.socket);
        return true;
      }
      if (piece.length >= SMALL_PIECE_BYTES) {
        this.#passOn();
        return super.push(piece);
      }
      this.#waitingBytes += piece.length;
      // Node pushes all pieces of one read of the connection before the next tick.
      if (this.#pieces.push(piece) === 1) process.nextTick(() => this.#passOn());
      return this.readableLength + this.#waitingBytes < this.readableHighWaterMark;
    }

    #passOn(): void {
      if (this.#pieces.length === 0) return;
      const joined = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces);
      this.#pieces = [];
      this.#waitingBytes = 0;
      super.push(joined);
    }
  };
}
