/**
 * Reads QR codes from the camera and from pictures: with the browser's BarcodeDetector, else with
 * the decoder, which is loaded when the first picture is read. Pictures never leave the browser.
 */
type Picture = { readonly data: Uint8ClampedArray<ArrayBuffer>; readonly width: number; readonly height: number };
type Read = (source: CanvasImageSource, width: number, height: number) => Promise<string | undefined>;

interface BarcodeDetectorLike {
  detect(source: CanvasImageSource): Promise<{ rawValue: string }[]>;
}

declare const BarcodeDetector: undefined | {
  new (options: { formats: string[] }): BarcodeDetectorLike;
  getSupportedFormats(): Promise<string[]>;
};

const LOOK_EVERY = 120; // milliseconds
const MAX_SIDE = 1280; // pixels; larger pictures take longer and are not easier to read
const MAX_PIXELS = 40e6; // of a picture before it is made smaller; phones take up to 50 MP, most 12

let reader: Promise<Read> | undefined;

/** @param decoder address of the decoder */
function readerOf(decoder: string): Promise<Read> {
  reader ??= newReader(decoder).catch((error) => {
    reader = undefined; // the next picture loads it again
    throw error;
  });
  return reader;
}

async function newReader(decoder: string): Promise<Read> {
  if (typeof BarcodeDetector === 'function' && (await BarcodeDetector.getSupportedFormats()).includes('qr_code')) {
    const detector = new BarcodeDetector({ formats: ['qr_code'] });
    return async (source) => (await detector.detect(source))[0]?.rawValue;
  }
  const { default: decode } = (await import(decoder)) as { default: (picture: Picture) => string };
  return async (source, width, height) => {
    try {
      return decode(pixels(source, width, height));
    } catch {
      return undefined; // there is no code in it
    }
  };
}

/** The pixels of a picture, on white, at most MAX_SIDE wide and high. */
function pixels(source: CanvasImageSource, width: number, height: number): Picture {
  const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('no canvas');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height) as Picture;
}

/** Whether the page may use a camera: not over plain http, except on this computer. */
export const hasCamera = window.isSecureContext && typeof navigator.mediaDevices?.getUserMedia === 'function';

/** The text of the code in a picture; undefined if there is none, or it is no picture. */
export async function readPicture(file: Blob, decoder: string): Promise<string | undefined> {
  const picture = await createImageBitmap(file).catch(() => undefined);
  if (!picture) return undefined;
  try {
    if (picture.width * picture.height > MAX_PIXELS) return undefined;
    return await (await readerOf(decoder))(picture, picture.width, picture.height);
  } finally {
    picture.close();
  }
}

/** Looks through the camera until `accept` takes a text, or the signal is aborted. The camera is off afterwards. */
export async function look(video: HTMLVideoElement, decoder: string, signal: AbortSignal, accept: (text: string) => boolean): Promise<void> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
  try {
    const read = await readerOf(decoder);
    video.srcObject = stream;
    await video.play();
    while (!signal.aborted) {
      const text = video.videoWidth > 0 ? await read(video, video.videoWidth, video.videoHeight) : undefined;
      if (text !== undefined && !signal.aborted && accept(text)) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
    }
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  }
}
