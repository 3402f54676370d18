// Events that the services report for the metrics.

export interface Reports {
  /** Reports how many seconds it took to make a picture safe or to reject it. */
  pictureMade(seconds: number): void;
  /** @param outcome "stored", or an error code */
  uploadEnded(outcome: string): void;
}
