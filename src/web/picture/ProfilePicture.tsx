// Somebody's profile picture, or the initials where there is none. To be copied with its fragment in
// `api/operations.graphql` and its rules in `picture.css`.
import { useEffect, useRef, useState } from "react";

import type { ProfilePictureFragment } from "../api/operations.generated.ts";
import "./picture.css";

const RETRY_AFTER_MS = 15_000;
const MAX_RETRIES = 3;

interface Props {
  user: ProfilePictureFragment;
  /** CSS pixels on each side. The browser takes the file that suits them and the screen. */
  sizePx: number;
  /** What a screen reader says; "" where the name stands beside the picture. */
  alt?: string;
}

export function ProfilePicture({ user, sizePx, alt = `Profile picture of ${user.username}` }: Props) {
  const media = user.profilePicture;
  const [missingId, setMissingId] = useState<string | null>(null);
  const tryCount = useRef(0);
  useEffect(() => {
    if (missingId === null) return undefined;
    // Deleted, or the network was away: that shows when it is asked for again.
    const again = () => setMissingId(null);
    const isWorthATry = tryCount.current++ < MAX_RETRIES;
    const timer = isWorthATry ? setTimeout(again, RETRY_AFTER_MS) : undefined;
    addEventListener("online", again);
    return () => {
      clearTimeout(timer);
      removeEventListener("online", again);
    };
  }, [missingId]);
  if (!media || media.id === missingId) return <Initials user={user} sizePx={sizePx} alt={alt} />;
  return (
    <img
      key={media.id} // A new picture is a new element: the old one is never shown in its place.
      className="profile-picture"
      src={media.url}
      srcSet={media.srcset}
      sizes={`${sizePx}px`}
      width={sizePx}
      height={sizePx}
      alt={alt}
      loading="lazy"
      decoding="async"
      style={{
        backgroundColor: media.dominantColor ?? user.color,
        backgroundImage: media.placeholder ? `url(${media.placeholder.dataUrl})` : "none",
      }}
      onLoad={({ currentTarget }) => currentTarget.style.setProperty("background", "none")} // It may be transparent.
      onError={() => setMissingId(media.id)}
    />
  );
}

function Initials({ user, sizePx, alt }: Required<Props>) {
  return (
    <span
      className="profile-picture"
      role={alt ? "img" : "presentation"}
      aria-label={alt || undefined}
      style={{ width: sizePx, height: sizePx, backgroundColor: user.color, fontSize: sizePx * 0.4 }}
    >
      <span aria-hidden>{user.initials}</span>
    </span>
  );
}
