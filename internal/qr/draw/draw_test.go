package draw

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/skip2/go-qrcode"

	"github.com/scanlogin/scanlogin/internal/qr"
)

// texts are the shortest and the longest of a picture of the server, and what is between.
func texts() []string {
	return []string{"x", "https://scan.example.com/s/" + strings.Repeat("aB3_", 7), strings.Repeat(`{"a":"\\u00e9"}`, 50)}
}

func TestPNGContainsTheText(t *testing.T) {
	r := New()
	for _, text := range texts() {
		for _, size := range []int{1, 120, 300, 301, 1024} {
			data, err := r.PNG(text, size)
			if err != nil {
				t.Fatal(err)
			}
			picture, err := png.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if b := picture.Bounds(); b.Dx() != b.Dy() || b.Dx() < size || size >= 300 && b.Dx() != size {
				t.Errorf("%d pixels: it is %v", size, b)
			}
			if got, err := qr.Decode(data); got != text {
				t.Errorf("%d pixels: %q, %v; want %q", size, got, err, text)
			}
		}
	}
}

func TestSVGContainsTheText(t *testing.T) {
	r := New()
	for _, text := range texts() {
		data, err := r.SVG(text, 300)
		if err != nil {
			t.Fatal(err)
		}
		var picture bytes.Buffer
		if err := png.Encode(&picture, paint(t, string(data))); err != nil {
			t.Fatal(err)
		}
		if got, err := qr.Decode(picture.Bytes()); got != text {
			t.Errorf("%q, %v; want %q", got, err, text)
		}
	}
}

// paint draws the runs of an SVG's path, four pixels a module.
func paint(t *testing.T, svg string) image.Image {
	t.Helper()
	box := regexp.MustCompile(`viewBox="0 0 (\d+) `).FindStringSubmatch(svg)
	if box == nil {
		t.Fatalf("no viewBox: %.200s", svg)
	}
	number := func(s string) int { n, _ := strconv.Atoi(s); return n }
	side := 4 * number(box[1])
	picture := image.NewGray(image.Rect(0, 0, side, side))
	for i := range picture.Pix {
		picture.Pix[i] = 255
	}
	for _, m := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`).FindAllStringSubmatch(svg, -1) {
		for y := 4 * number(m[2]); y < 4*number(m[2])+4; y++ {
			for x := 4 * number(m[1]); x < 4*(number(m[1])+number(m[3])); x++ {
				picture.Pix[y*picture.Stride+x] = 0
			}
		}
	}
	return picture
}

func TestATextThatIsTooLongIsAnError(t *testing.T) {
	r := New()
	if _, err := r.PNG(strings.Repeat("x", 4000), 300); err == nil {
		t.Error("PNG")
	}
	if _, err := r.SVG(strings.Repeat("x", 4000), 300); err == nil {
		t.Error("SVG")
	}
}

// TestTheCacheOfPatternsIsBounded has three generations of patterns between the first
// code and the last one.
func TestTheCacheOfPatternsIsBounded(t *testing.T) {
	r := New()
	svg := func(text string) {
		if _, err := r.SVG(text, 120); err != nil {
			t.Error(err)
		}
	}
	svg("first")
	if _, ok := r.remembered("first"); !ok {
		t.Error("a pattern is not remembered")
	}
	for i := range 3 * generation {
		r.remember(fmt.Sprint(i), nil)
	}
	svg("last")
	if n := len(r.newer) + len(r.older); n > 2*generation || n < generation {
		t.Errorf("%d patterns are remembered", n)
	}
	if _, ok := r.remembered("first"); ok {
		t.Error("the first pattern is remembered after three generations")
	}
	if _, ok := r.remembered("last"); !ok {
		t.Error("the last pattern is not remembered")
	}
}

// BenchmarkPictureParts compares a picture with the pattern alone, which is the
// library's work.
func BenchmarkPictureParts(b *testing.B) {
	text := `{"scene":"APP_AUTH","random":"` + strings.Repeat("x", 30) + `","userPoolId":"5fae2648201cfd526f0ec354",` +
		`"createdAt":"2026-01-02T03:04:05.678Z","expiresIn":120,"expireAt":"2026-01-02T03:06:05.678Z","customData":{}}`
	pattern := func(b *testing.B) matrix {
		code, err := qrcode.New(text, qrcode.Medium)
		if err != nil {
			b.Fatal(err)
		}
		return code.Bitmap()
	}
	b.Run("pattern", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			pattern(b)
		}
	})
	b.Run("first", func(b *testing.B) { // the pattern, kept, and its PNG
		r := New()
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := r.PNG(text[:len(text)-8]+fmt.Sprintf("%08d", i), 300); err != nil {
				b.Fatal(err)
			}
		}
	})
	m := pattern(b)
	for name, size := range map[string]int{"png": 300, "largest png": 1024} {
		b.Run(name, func(b *testing.B) {
			r := New()
			b.ReportAllocs()
			for b.Loop() {
				out, err := r.png(m, size)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(len(out)), "bytes/picture")
			}
		})
	}
	b.Run("svg", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.svg(300)
		}
	})
}
