package server_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"strings"
	"sync"
	"testing"

	"github.com/caiguanhao/readqr/gozxing"
	"github.com/caiguanhao/readqr/qrcode"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/qr/draw"
)

// read decodes a picture with gozxing.
func read(t *testing.T, img image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	found, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]interface{}{gozxing.DecodeHintType_PURE_BARCODE: true})
	if err != nil {
		t.Fatal(err)
	}
	return found.GetText()
}

func TestPicturesContainThePayload(t *testing.T) {
	n := alone(t, newPool(t, nil), newPool(t, func(p *pool.Pool) { p.ID, p.AppIDs, p.PayloadFormat = "url", nil, pool.PayloadURL }))
	long := `{"customData":{"a":"` + strings.Repeat("é", 80) + `"}}`
	for _, test := range []struct{ pool, body string }{{"p1", `{}`}, {"p1", long}, {"url", `{}`}} {
		d := n.call("POST", "/gene?userPoolId="+test.pool, test.body).ok()
		for _, size := range []int{0, 120, 300, 301, 1024} {
			path, want := "/image/"+d["random"].(string)+".png", 300
			if size > 0 {
				path, want = fmt.Sprintf("%s?size=%d", path, size), size
			}
			a := n.call("GET", path, nil)
			img, err := png.Decode(strings.NewReader(a.raw))
			if err != nil {
				t.Fatalf("%s: %v: %.200s", path, err, a.raw)
			}
			if b := img.Bounds(); b.Dx() < want || b.Dy() != b.Dx() || b.Dx() != want && want > 120 {
				t.Errorf("%s is %v", path, b)
			}
			if got := read(t, img); got != d["payload"] {
				t.Errorf("%s contains %q, want %q", path, got, d["payload"])
			}
		}
		want, err := draw.New().SVG(d["payload"].(string), 300)
		if err != nil {
			t.Fatal(err)
		}
		if a := n.call("GET", "/image/"+d["random"].(string)+".svg", nil); a.raw != string(want) || a.Get("Content-Type") != "image/svg+xml" {
			t.Errorf("the SVG is %.200s, want %.200s", a.raw, want)
		}
	}
}

func TestEveryPictureOfACodeIsTheSame(t *testing.T) {
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	path := "/image/" + c.random + ".png"
	first := n.call("GET", path, nil).raw
	n.phone("scanned", c.random, "alice").ok()
	n.pools.Replace(newPool(t, func(p *pool.Pool) { p.PayloadFormat = pool.PayloadURL }))
	n.phone("confirm", c.random, "alice").ok()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if a := n.call("GET", path, nil); !bytes.Equal([]byte(a.raw), []byte(first)) {
				t.Error("the picture changed")
			}
		})
	}
	wg.Wait()
}

func BenchmarkPicture(b *testing.B) {
	n := alone(b, newPool(b, nil))
	c := n.gene("p1")
	for b.Loop() {
		n.call("GET", "/image/"+c.random+".png", nil)
	}
}
