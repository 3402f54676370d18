// Shows the file name, dimensions, size and view count of the signed-in user's picture.
import { formatBytes } from "../api/errors.ts";
import type { OwnPictureFragment } from "../api/operations.generated.ts";
import { formatViews } from "../people/format-views.ts";

export function PictureFacts({ picture }: { picture: NonNullable<OwnPictureFragment["profilePicture"]> }) {
  const { original, originalFilename, width, height, fileSize, viewCount } = picture;
  const size = width && height ? `${width} × ${height}, ` : "";
  return (
    <p className="hint picture-facts">
      <a href={original} target="_blank" rel="noreferrer" title="Open the whole picture">
        <bdi>{originalFilename}</bdi>
      </a>
      <span>
        {size}
        {formatBytes(fileSize)} · {formatViews(viewCount)}
      </span>
    </p>
  );
}
