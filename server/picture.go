package server

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/skip2/go-qrcode"

	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/session"
)

// Sizes of a picture in pixels (A.1).
const (
	minPicture     = 120
	maxPicture     = 1024
	defaultPicture = 300
)

// pictureURL is the address of a code's picture.
func (s *Server) pictureURL(id session.ID) string {
	return s.publicURL + apiPath + "/image/" + string(id) + ".png"
}

// picture draws a code (A.1): image/<random>.png or .svg.
func (s *Server) picture(c *call) error {
	h := c.Response().Header()
	h.Set("Access-Control-Allow-Origin", "*") // SDKs draw it on a canvas
	h.Del("Access-Control-Allow-Credentials")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	name, kind, _ := strings.Cut(c.Param("name"), ".")
	if kind != "png" && kind != "svg" {
		return errNoRoute
	}
	size, err := pictureSize(c.QueryParam("size"))
	if err != nil {
		return err
	}
	id, err := session.ParseID(name)
	if err != nil {
		return err
	}
	out, err := s.drawn(c, id, kind, size)
	if err != nil {
		return err
	}
	if kind == "png" {
		return c.Blob(http.StatusOK, "image/png", out)
	}
	h.Set("Content-Security-Policy", "default-src 'none'")
	return c.Blob(http.StatusOK, "image/svg+xml", out)
}

// drawn returns the picture of a code when it is the caller's turn: the store's time
// is shared as fairly as the CPU's. The error is errBusy if the turn does not come in
// time.
func (s *Server) drawn(c *call, id session.ID, kind string, size int) ([]byte, error) {
	ctx := c.Request().Context()
	if err := s.pictures.queue.acquire(ctx, ipaddr.Turn(c.by.IP)); err != nil {
		return nil, fmt.Errorf("%w: picture: %w", login.ErrUnavailable, err)
	}
	defer s.pictures.queue.release()
	code, _, err := s.login.Look(ctx, c.by, id, login.LookPicture)
	if err != nil {
		return nil, err
	}
	return s.pictures.draw(code, kind, size)
}

func pictureSize(text string) (int, error) {
	if text == "" {
		return defaultPicture, nil
	}
	size, err := strconv.Atoi(text)
	if err != nil || size < minPicture || size > maxPicture {
		return 0, malformed("size", fmt.Sprintf("must be a number of pixels from %d to %d", minPicture, maxPicture),
			fmt.Sprintf("必须是 %d 到 %d 之间的像素数", minPicture, maxPicture))
	}
	return size, nil
}

// pictures draws pictures, as many at once as there are cores. Calls wait for that in
// a fair queue, before they ask the store. The pattern of a code is made once, as long
// as it is remembered.
type pictures struct {
	queue   *slots        // calls: the next ones load their codes while others are drawn
	cores   chan struct{} // pictures that are drawn
	packers sync.Pool     // of *zlib.Writer, of 0.8 MB each, kept from one PNG to the next

	mu       sync.Mutex
	now, old map[session.ID]matrix // two generations: the older is dropped whole
}

const (
	// generation is how many patterns fill a generation, of about 4 KB each.
	generation = 256
	// pictureWait is how long a call waits for its turn: with the time for the
	// code to be loaded, within the 2 s in which clients are promised an answer.
	pictureWait = 1500 * time.Millisecond
	// picturesPerCore is how many calls at once keep a core drawing while their codes
	// are loaded.
	picturesPerCore = 4
	// maxPicturesWaiting is about what two cores draw in pictureWait.
	maxPicturesWaiting = 1024
)

func newPictures() *pictures {
	cores := runtime.GOMAXPROCS(0)
	return &pictures{
		queue: newSlots(picturesPerCore*cores, maxPicturesWaiting, pictureWait), cores: make(chan struct{}, cores),
		now: make(map[session.ID]matrix),
	}
}

// draw returns the picture of a code, a png or svg.
func (p *pictures) draw(code session.Session, kind string, size int) ([]byte, error) {
	p.cores <- struct{}{}
	defer func() { <-p.cores }()
	m, err := p.matrix(code.ID, code.Payload)
	if err != nil {
		return nil, err
	}
	if kind == "png" {
		return p.png(m, size)
	}
	return m.svg(size), nil
}

// matrix returns the pattern of text, true for dark, with its quiet zone.
func (p *pictures) matrix(id session.ID, text string) (matrix, error) {
	if m, ok := p.made(id); ok {
		return m, nil
	}
	code, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	m := matrix(code.Bitmap())
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.now) >= generation {
		p.now, p.old = make(map[session.ID]matrix), p.now
	}
	p.now[id] = m
	return m, nil
}

func (p *pictures) made(id session.ID) (matrix, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m, ok := p.now[id]
	if !ok {
		m, ok = p.old[id]
	}
	return m, ok
}

// matrix is the pattern of a code, row by row.
type matrix [][]bool

// png draws m in the middle of size pixels square, each module as many whole
// pixels as fit; a pattern that is larger than size is drawn at one pixel a
// module. The file is gray with one bit a pixel (PNG, ISO/IEC 15948), written here
// because image/png looks at each pixel by itself: with it a picture costs 1.33
// of its pattern, so 1.05 (BenchmarkPictureParts).
func (p *pictures) png(m matrix, size int) ([]byte, error) {
	size = max(size, len(m))
	scale := size / len(m)
	pad := (size - scale*len(m)) / 2
	blank := bytes.Repeat([]byte{0xff}, 1+(size+7)/8)
	blank[0] = 0 // no filter

	var packed bytes.Buffer
	z, _ := p.packers.Get().(*zlib.Writer)
	if z == nil {
		z, _ = zlib.NewWriterLevel(nil, zlib.BestSpeed) // fails for no such level
	}
	defer p.packers.Put(z)
	z.Reset(&packed)
	for range pad {
		_, _ = z.Write(blank) // an error of a buffer's: there is none
	}
	line := bytes.Clone(blank)
	for _, row := range m {
		copy(line, blank)
		for x, dark := range row {
			for at := pad + x*scale; dark && at < pad+(x+1)*scale; at++ {
				line[1+at/8] &^= 0x80 >> (at % 8)
			}
		}
		for range scale {
			_, _ = z.Write(line)
		}
	}
	for range size - pad - scale*len(m) {
		_, _ = z.Write(blank)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(size)), uint32(size)) // #nosec G115 -- at most maxPicture, or a pattern's 177
	out := []byte("\x89PNG\r\n\x1a\n")
	out = appendChunk(out, "IHDR", append(head, 1, 0, 0, 0, 0)) // bits, gray, and the only methods there are
	out = appendChunk(out, "IDAT", packed.Bytes())
	return appendChunk(out, "IEND", nil), nil
}

// appendChunk appends a chunk of a PNG: length, name, data, CRC.
func appendChunk(out []byte, name string, data []byte) []byte {
	out = binary.BigEndian.AppendUint32(out, uint32(len(data))) // #nosec G115 -- some kilobytes
	out = append(append(out, name...), data...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[len(out)-len(data)-4:]))
}

// svg draws m as one path, a run of dark modules at a time.
func (m matrix) svg(size int) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`,
		size, size, len(m), len(m), len(m), len(m))
	for y, row := range m {
		for x := 0; x < len(row); x++ {
			start := x
			for x < len(row) && row[x] {
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
