// Package draw makes pictures of QR codes: PNG and SVG, with error correction level M and
// the quiet zone. It draws as many at once as there are cores, and remembers the patterns
// of the latest codes, which are what takes the time: about 2 ms each.
package draw

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"

	"github.com/skip2/go-qrcode"
)

// Renderer draws pictures. Its methods are safe for concurrent use. Make it with New.
type Renderer struct {
	cores       chan struct{} // pictures that are being drawn
	compressors sync.Pool     // of *zlib.Writer, of 0.8 MB each, kept from one PNG to the next

	mu           sync.Mutex
	newer, older map[string]matrix // by text, in two generations: the older is dropped whole
}

// generation is how many patterns fill a generation, of about 4 KB each.
const generation = 256

// New makes a Renderer.
func New() *Renderer {
	return &Renderer{cores: make(chan struct{}, runtime.GOMAXPROCS(0)), newer: make(map[string]matrix)}
}

// PNG returns a picture of text, size pixels square, or larger if the code does not fit.
// The error is that text is too long for a code.
func (r *Renderer) PNG(text string, size int) ([]byte, error) {
	r.cores <- struct{}{}
	defer func() { <-r.cores }()
	m, err := r.matrix(text)
	if err != nil {
		return nil, err
	}
	return r.png(m, size)
}

// SVG returns a picture of text, size CSS pixels square. The error is that text is too
// long for a code.
func (r *Renderer) SVG(text string, size int) ([]byte, error) {
	r.cores <- struct{}{}
	defer func() { <-r.cores }()
	m, err := r.matrix(text)
	if err != nil {
		return nil, err
	}
	return m.svg(size), nil
}

// matrix returns the pattern of text.
func (r *Renderer) matrix(text string) (matrix, error) {
	if m, ok := r.remembered(text); ok {
		return m, nil
	}
	code, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return nil, fmt.Errorf("qr code: %w", err)
	}
	m := matrix(code.Bitmap())
	r.remember(text, m)
	return m, nil
}

func (r *Renderer) remember(text string, m matrix) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.newer) >= generation {
		r.newer, r.older = make(map[string]matrix), r.newer
	}
	r.newer[text] = m
}

func (r *Renderer) remembered(text string) (matrix, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, ok := r.newer[text]
	if !ok {
		m, ok = r.older[text]
	}
	return m, ok
}

// matrix is the pattern of a code row by row, true for dark, with its quiet zone.
type matrix [][]bool

// svg draws m as one path, a run of dark modules at a time.
func (m matrix) svg(size int) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`,
		size, size, len(m), len(m), len(m), len(m))
	for y, cells := range m {
		for x := 0; x < len(cells); x++ {
			start := x
			for x < len(cells) && cells[x] {
				x++
			}
			if x > start {
				fmt.Fprintf(&out, "M%d %dh%dv1h-%dz", start, y, x-start, x-start)
			}
		}
	}
	out.WriteString(`"/></svg>`)
	return out.Bytes()
}
