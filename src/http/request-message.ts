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

interface ArrivingBody {
  /** Small pieces that wait to be joined. */
  pieces: Buffer[];
  waitingBytes: number;
  bytes: number;
  pieceCount: number;
  isRefused: boolean;
}

/**
 * Creates the class of requests for an HTTP server.
 *
 * @param refuse closes the connection of a request whose body has too many pieces
 */
export function requestMessageClass(refuse: (socket: Socket) => void): typeof IncomingMessage {
  return class RequestMessage extends IncomingMessage {
    /** Null until the first piece: most requests have no body. */
    #body: ArrivingBody | null = null;

    override push(piece: Buffer | null): boolean {
      if (piece === null) {
        if (this.#body) this.#passOn(this.#body);
        return super.push(null);
      }
      const body = (this.#body ??= {
        pieces: [],
        waitingBytes: 0,
        bytes: 0,
        pieceCount: 0,
        isRefused: false,
      });
      if (body.isRefused) return true;
      body.bytes += piece.length;
      body.pieceCount += 1;
      if (body.pieceCount > FREE_PIECE_COUNT + body.bytes / MIN_MEAN_PIECE_BYTES) {
        body.isRefused = true;
        body.pieces = [];
        refuse(this.socket);
        return true;
      }
      if (piece.length >= SMALL_PIECE_BYTES) {
        this.#passOn(body);
        return super.push(piece);
      }
      body.waitingBytes += piece.length;
      // Node calls this for all pieces of one read of the connection before the next tick.
      if (body.pieces.push(piece) === 1) process.nextTick(() => this.#passOn(body));
      return this.readableLength + body.waitingBytes < this.readableHighWaterMark;
    }

    #passOn(body: ArrivingBody): void {
      if (body.pieces.length === 0) return;
      const joined = body.pieces.length === 1 ? body.pieces[0] : Buffer.concat(body.pieces);
      body.pieces = [];
      body.waitingBytes = 0;
      super.push(joined);
    }
  };
}
