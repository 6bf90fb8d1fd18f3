package qr

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/skip2/go-qrcode"
)

const testText = `{"scene":"APP_AUTH","random":"0123456789abcdefghijABCDEFGHIJ"}`

func qrPNG(t testing.TB, size int) []byte {
	t.Helper()
	data, err := qrcode.Encode(testText, qrcode.Medium, size)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func qrImage(t testing.TB) image.Image {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(qrPNG(t, 300)))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

func TestDecodesPNGJPEGAndGIF(t *testing.T) {
	var asJPEG, asGIF bytes.Buffer
	if err := errors.Join(jpeg.Encode(&asJPEG, qrImage(t), nil), gif.Encode(&asGIF, qrImage(t), nil)); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"small PNG": qrPNG(t, 120),
		"PNG":       qrPNG(t, 300),
		"large PNG": qrPNG(t, 1024),
		"JPEG":      asJPEG.Bytes(),
		"GIF":       asGIF.Bytes(),
		"no ground": transparent(t),
	} {
		if got, err := Decode(data); got != testText || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestDecodesPatternsThatNeedTheSecondHint uses codes in which the decoder finds nothing
// with the first hint alone.
func TestDecodesPatternsThatNeedTheSecondHint(t *testing.T) {
	for _, random := range []string{"2Z5YQ1JD2f75yIJzuNVTtPuk0Lr4AJ", "peU3gTEozMpzXWWpAnzVBX0WT8ePJe", "KN-b-2u4LW_PpmQfUSJEW0nmPKjWCP"} {
		text := `{"scene":"APP_AUTH","random":"` + random + `"}`
		data, err := qrcode.Encode(text, qrcode.Medium, 300)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(data); got != text || err != nil {
			t.Errorf("%s: %q, %v", random, got, err)
		}
	}
}

// transparent returns a code without a background, as design programs export it.
func transparent(t *testing.T) []byte {
	t.Helper()
	from := qrImage(t)
	to := image.NewNRGBA(from.Bounds())
	for y := range 300 {
		for x := range 300 {
			if r, _, _, _ := from.At(x, y).RGBA(); r == 0 {
				to.Set(x, y, color.Black)
			}
		}
	}
	var data bytes.Buffer
	if err := png.Encode(&data, to); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

func TestPictureOfAPhoneCameraIsWithinTheLimit(t *testing.T) {
	if 4032*3024 > maxPicturePixels {
		t.Error("it exceeds the limit")
	}
}

func TestDecompressionBombsAndBrokenPicturesAreRefused(t *testing.T) {
	whole := qrPNG(t, 300)
	var empty bytes.Buffer
	if err := png.Encode(&empty, image.NewGray(image.Rect(0, 0, 64, 64))); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		data []byte
		want error
	}{
		"nothing":         {nil, ErrFormat},
		"garbage":         {bytes.Repeat([]byte("garbage"), 99), ErrFormat},
		"too many bytes":  {make([]byte, MaxPictureBytes+1), ErrSize},
		"truncated":       {whole[:len(whole)/2], ErrFormat},
		"head alone":      {whole[:33], ErrFormat},
		"too many pixels": {withSize(whole, 1<<16, 1<<16), ErrSize},
		"a long line":     {withSize(whole, 1<<30, 1), ErrSize},
		"no code":         {empty.Bytes(), ErrNoCode},
	}
	for name, tt := range tests {
		if text, err := Decode(tt.data); !errors.Is(err, tt.want) {
			t.Errorf("%s: %q, %v; want %v", name, text, err, tt.want)
		}
	}
}

// withSize returns a PNG whose header has another size.
func withSize(whole []byte, width, height uint32) []byte {
	data := bytes.Clone(whole)
	binary.BigEndian.PutUint32(data[16:], width)
	binary.BigEndian.PutUint32(data[20:], height)
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(data[12:29]))
	return data
}

func FuzzPicture(f *testing.F) {
	f.Add(qrPNG(f, 120))
	f.Fuzz(func(t *testing.T, data []byte) {
		if head, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && head.Width*head.Height > 1<<20 {
			t.Skip("too slow")
		}
		_, _ = Decode(data) // does not panic
	})
}
