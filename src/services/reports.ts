// What parts of the service tell about their work, for whoever wants to count it. Implemented by `http/metrics.ts`.

export interface Reports {
  /** A picture was made safe, or refused, after so many seconds of work. */
  pictureMade(seconds: number): void;
  /** @param outcome "stored", or the code of an error */
  uploadEnded(outcome: string): void;
}
