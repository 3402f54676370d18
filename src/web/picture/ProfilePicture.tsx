// Shows a user's profile picture, or the initials if the user has none. Copy this file together with its fragment in
// `api/operations.graphql` and with `picture.css`.
import { useEffect, useRef, useState } from "react";

import type { ProfilePictureFragment } from "../api/operations.generated.ts";
import "./picture.css";

const RETRY_AFTER_MS = 15_000;
const MAX_RETRIES = 3;

interface Props {
  user: ProfilePictureFragment;
  /** The side in CSS pixels. The browser loads the file that fits this size and the screen. */
  sizePx: number;
  /** The text for screen readers. Use "" if the name is displayed beside the picture. */
  alt?: string;
}

export function ProfilePicture({ user, sizePx, alt = `Profile picture of ${user.username}` }: Props) {
  const media = user.profilePicture;
  const [missingId, setMissingId] = useState<string | null>(null);
  const tryCount = useRef(0);
  useEffect(() => {
    if (missingId === null) return undefined;
    // The picture was deleted, or the network failed. Another attempt shows which.
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
      key={media.id} // A new picture gets a new element, so the old picture is not shown while it loads.
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
      // Otherwise the placeholder would show through transparent parts of the picture.
      onLoad={({ currentTarget }) => currentTarget.style.setProperty("background", "none")}
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
