// The progress bar of an upload.

export function UploadProgress({ progress }: { progress: number }) {
  const isSent = progress >= 1;
  return (
    <div className="upload">
      <progress aria-label="Upload" max={1} {...(!isSent && { value: progress })} />
      <span aria-hidden>{isSent ? "Nearly done …" : `${Math.floor(progress * 100)} %`}</span>
    </div>
  );
}
