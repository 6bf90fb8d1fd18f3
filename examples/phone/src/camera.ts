/** Reads QR codes from the camera and from pictures, in every browser and web view. */
import decodeQR from 'qr/decode.js';

const LOOK_EVERY = 120; // milliseconds
const MAX_SIDE = 1280; // pixels; larger pictures are slow to search and not easier to read

const canvas = document.createElement('canvas');

/** The text of the code in a picture; undefined if there is none. */
function read(source: CanvasImageSource, width: number, height: number): string | undefined {
  const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.fillStyle = '#fff'; // behind transparent pictures
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  try {
    return decodeQR(context.getImageData(0, 0, canvas.width, canvas.height));
  } catch {
    return undefined;
  }
}

export async function readPicture(file: Blob): Promise<string | undefined> {
  const picture = await createImageBitmap(file);
  try {
    return read(picture, picture.width, picture.height);
  } finally {
    picture.close();
  }
}

/** Looks through the camera until `accept` takes a text, or the signal is aborted. The camera is off afterwards. */
export async function look(video: HTMLVideoElement, signal: AbortSignal, accept: (text: string) => boolean): Promise<void> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
  try {
    video.srcObject = stream;
    await video.play();
    while (!signal.aborted) {
      const text = video.videoWidth > 0 ? read(video, video.videoWidth, video.videoHeight) : undefined;
      if (text !== undefined && accept(text)) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
    }
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  }
}
