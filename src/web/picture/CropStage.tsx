// Lets the user move and zoom a picture to crop it, and previews the result.
import { useEffect, useId, useState, type CSSProperties } from "react";

import Cropper, { type Area, type Point } from "react-easy-crop";
import "react-easy-crop/react-easy-crop.css";

/** The visible part, in percent of the upright picture's width and height. */
export type CropArea = Area;

export const wholePicture: CropArea = { x: 0, y: 0, width: 100, height: 100 };

const MAX_ZOOM = 5;

interface Props {
  file: Blob;
  isDisabled: boolean;
  onChange: (area: CropArea) => void;
}

export function CropStage({ file, isDisabled, onChange }: Props) {
  const url = useObjectUrl(file);
  const [position, setPosition] = useState<Point>({ x: 0, y: 0 });
  const [zoom, setZoom] = useState(1);
  const [area, setArea] = useState<CropArea | null>(null);
  const zoomId = useId();

  function show(next: CropArea) {
    setArea(next);
    onChange(next);
  }

  if (!url) return null;
  return (
    <div className="crop" inert={isDisabled}>
      <div className="stage">
        <Cropper
          image={url}
          crop={position}
          zoom={zoom}
          maxZoom={MAX_ZOOM}
          aspect={1}
          cropShape="round"
          showGrid={false}
          onCropChange={setPosition}
          onZoomChange={setZoom}
          onCropAreaChange={show}
          disableAutomaticStylesInjection
          cropperProps={{ role: "group", "aria-label": "Visible part. Move it with the arrow keys." }}
        />
      </div>
      <div className="controls">
        <label htmlFor={zoomId}>Zoom</label>
        <input
          id={zoomId}
          type="range"
          min={1}
          max={MAX_ZOOM}
          step={0.05}
          value={zoom}
          onChange={({ currentTarget }) => setZoom(Number(currentTarget.value))}
        />
        <div className="previews" role="group" aria-label="How it will look">
          {area && (
            <>
              <Preview url={url} area={area} sizePx={96} isRound />
              <Preview url={url} area={area} sizePx={96} />
              <Preview url={url} area={area} sizePx={40} isRound />
            </>
          )}
        </div>
      </div>
    </div>
  );
}

interface PreviewProps {
  url: string;
  area: CropArea;
  sizePx: number;
  isRound?: boolean;
}

function Preview({ url, area, sizePx, isRound = false }: PreviewProps) {
  const style: CSSProperties = {
    width: `${100 * (100 / area.width)}%`,
    height: `${100 * (100 / area.height)}%`,
    left: `${-100 * (area.x / area.width)}%`,
    top: `${-100 * (area.y / area.height)}%`,
  };
  return (
    <span className={`preview ${isRound ? "round" : ""}`} style={{ width: sizePx, height: sizePx }}>
      <img src={url} alt="" style={style} />
    </span>
  );
}

function useObjectUrl(file: Blob): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return url;
}
