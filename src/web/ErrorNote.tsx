// Shows an error, and a button to try again if the caller supports it.
import { explain, type ServiceError } from "./api/errors.ts";

interface Props {
  error: ServiceError;
  onRetry?: () => void;
}

export function ErrorNote({ error, onRetry }: Props) {
  return (
    <div className="note error" role="alert">
      <p>{explain(error)}</p>
      {onRetry && (
        <button type="button" className="quiet" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
