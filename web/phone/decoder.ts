/** Reads the QR code of a picture. A module of its own, because it is larger than the page. */
export { default } from 'qr/decode.js';
