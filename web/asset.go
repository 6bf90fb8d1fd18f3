package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/andybalholm/brotli"
)

const (
	// revalidate lets browsers keep a copy and ask whether it is current.
	revalidate = "no-cache"
	// immutable lets browsers and proxies keep a copy for a year, the most that is usual, and
	// never ask: the name contains a hash of the content.
	immutable = "public, max-age=31536000, immutable"
)

// minCompressed is the size from which compression can save a packet of a usual network.
const minCompressed = 1400 // bytes

// contentTypes by extension, because the table of the system may differ.
var contentTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".ts":   "text/plain; charset=utf-8", // nothing is registered for TypeScript
	".yaml": "application/yaml",          // RFC 9512
}

// asset serves a file.
type asset struct {
	contentType  string
	cacheControl string
	crossOrigin  bool // pages of other origins may load it
	plain        representation
	compressed   []compressed // the server's favorite first; none if the file is made for one request
}

// representation is a body in one content coding. Each has an ETag of its own (RFC 9110, 8.8.3.3).
type representation struct {
	coding string // "" for none
	etag   string
	body   []byte
}

// compressed makes a representation when it is first asked for. It is safe for concurrent use.
type compressed struct {
	coding string
	make   func() representation
}

// newAsset returns an asset that never changes. It is compressed once, when a client first
// accepts that.
func newAsset(name string, body []byte) asset {
	a := newDynamic(name, body)
	if len(body) < minCompressed {
		return a
	}
	for _, c := range []struct {
		coding string
		writer func(io.Writer) io.WriteCloser
	}{{"br", brotliWriter}, {"gzip", gzipWriter}} {
		a.compressed = append(a.compressed, compressed{c.coding, sync.OnceValue(func() representation {
			return representation{coding: c.coding, etag: etagOf(body, c.coding), body: compress(body, c.writer)}
		})})
	}
	return a
}

// newDynamic returns an asset that is made for one request: compressing it would cost more than
// sending it.
func newDynamic(name string, body []byte) asset {
	return asset{
		contentType:  contentTypes[path.Ext(name)],
		cacheControl: revalidate,
		plain:        representation{etag: etagOf(body, ""), body: body},
	}
}

func etagOf(body []byte, coding string) string {
	sum := sha256.Sum256(body)
	etag := base64.RawURLEncoding.EncodeToString(sum[:16])
	if coding != "" {
		etag += "-" + coding
	}
	return `"` + etag + `"`
}

func brotliWriter(w io.Writer) io.WriteCloser {
	return brotli.NewWriterLevel(w, brotli.BestCompression)
}

func gzipWriter(w io.Writer) io.WriteCloser {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is valid
	}
	return z
}

// compress cannot fail: it writes to memory.
func compress(body []byte, writer func(io.Writer) io.WriteCloser) []byte {
	var out bytes.Buffer
	w := writer(&out)
	_, _ = w.Write(body)
	_ = w.Close()
	return out.Bytes()
}

func (a asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	secure(h)
	if a.crossOrigin {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	h.Set("Content-Type", a.contentType)
	a.serve(w, r)
}

func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", a.cacheControl)
	chosen := a.choose(r.Header)
	if len(a.compressed) > 0 {
		h.Set("Vary", "Accept-Encoding")
	}
	if chosen.coding != "" {
		h.Set("Content-Encoding", chosen.coding)
		h.Set("Content-Length", strconv.Itoa(len(chosen.body))) // ServeContent does not, for a coding
	}
	h.Set("ETag", chosen.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(chosen.body))
}

// choose returns the best representation that the client accepts. Parts of a file, and requests
// with a condition for them, are of the plain one.
func (a asset) choose(request http.Header) representation {
	if request.Get("Range") != "" || request.Get("If-Match") != "" {
		return a.plain
	}
	accepted := strings.Join(request.Values("Accept-Encoding"), ",")
	for _, c := range a.compressed {
		if accepts(accepted, c.coding) {
			return c.make()
		}
	}
	return a.plain
}

// accepts reports whether a coding has a weight above zero in an Accept-Encoding header
// (RFC 9110, 12.5.3). A weight that cannot be read is none.
func accepts(header, coding string) bool {
	all := false
	for item := range strings.SplitSeq(header, ",") {
		name, weight, weighted := strings.Cut(item, ";")
		name = strings.TrimSpace(name)
		if !strings.EqualFold(name, coding) && name != "*" {
			continue
		}
		q := 1.0
		if weighted {
			_, number, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(weight, " ", "")), "q=")
			q, _ = strconv.ParseFloat(number, 64)
		}
		if name != "*" {
			return q > 0
		}
		all = q > 0
	}
	return all
}

// secure sets the security headers of every response.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}
