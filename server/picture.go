package server

import (
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/internal/fairqueue"
	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/qr/draw"
	"github.com/scanlogin/scanlogin/session"
)

// Sizes of a picture in pixels.
const (
	minPicture     = 120
	maxPicture     = 1024
	defaultPicture = 300
)

// pictureURL is the address of a code's picture.
func (s *Server) pictureURL(id session.ID) string {
	return s.publicURL + apiPath + "/image/" + string(id) + ".png"
}

// picture draws a code: image/<random>.png or .svg.
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
	if err := s.pictures.queue.Acquire(ctx, ipaddr.Turn(c.by.IP)); err != nil {
		return nil, fmt.Errorf("%w: picture: %w", login.ErrUnavailable, err)
	}
	defer s.pictures.queue.Release()
	code, _, err := s.login.Look(ctx, c.by, id, login.LookPicture)
	if err != nil {
		return nil, err
	}
	if kind == "svg" {
		return s.pictures.renderer.SVG(code.Payload, size)
	}
	return s.pictures.renderer.PNG(code.Payload, size)
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

// pictures draws the pictures of codes. Calls wait in a fair queue for their turn to draw,
// before they ask the store.
type pictures struct {
	queue    *fairqueue.Slots // calls: the next ones load their codes while others are drawn
	renderer *draw.Renderer
}

const (
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
	calls := picturesPerCore * runtime.GOMAXPROCS(0)
	return &pictures{queue: fairqueue.NewSlots(calls, maxPicturesWaiting, pictureWait), renderer: draw.New()}
}
