// Opens a file as an image element, which also displays files whose end is missing.

export interface OpenedImage {
  image: HTMLImageElement;
  /** Frees the memory. */
  release: () => void;
}

/** Rejects when the browser cannot display the file. */
export async function openImage(file: Blob): Promise<OpenedImage> {
  const url = URL.createObjectURL(file);
  const release = () => URL.revokeObjectURL(url);
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
    return { image, release };
  } catch (error) {
    release();
    throw error;
  }
}
