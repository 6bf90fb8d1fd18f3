package server_test

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
)

// clientAt returns a client that connects from an address in 127.0.0.0/8.
func clientAt(t testing.TB, address string) *http.Client {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 1000}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Timeout: time.Minute, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// TestAFloodOfPicturesDoesNotDelayOthers has one address request many pictures
// before two others request one each: these two are drawn first.
func TestAFloodOfPicturesDoesNotDelayOthers(t *testing.T) {
	const flood = 40
	n := alone(t, newPool(t, nil))
	picture := func(from *http.Client, random string) {
		if a := n.callWith(from, "GET", "/image/"+random+".png?size=1024", nil); a.status != 200 {
			t.Errorf("answer %d: %.200s", a.status, a.raw)
		}
	}
	codes := make([]string, flood+2)
	for i := range codes {
		codes[i] = n.gene("p1").random
	}
	goOn := n.srv.HoldPictures(time.Minute)
	var drawn atomic.Int64
	var wg sync.WaitGroup
	attacker := clientAt(t, "127.0.0.2")
	for i := range flood {
		wg.Go(func() {
			picture(attacker, codes[i])
			drawn.Add(1)
		})
	}
	eventually(t, "the flood waits", func() bool { return n.srv.PicturesWaiting() == flood })
	for i := range 2 {
		wg.Go(func() {
			picture(clientAt(t, fmt.Sprintf("127.0.0.%d", 3+i)), codes[flood+i])
			if before := drawn.Load(); before > flood/2 {
				t.Errorf("a visitor waited for %d of the flood's %d pictures", before, flood)
			}
		})
	}
	eventually(t, "the visitors wait", func() bool { return n.srv.PicturesWaiting() == flood+2 })
	goOn()
	wg.Wait()
}

// TestARequestThatWaitsTooLongForAPictureIsRefused keeps all slots for pictures occupied.
func TestARequestThatWaitsTooLongForAPictureIsRefused(t *testing.T) {
	t.Parallel()
	n := alone(t, newPool(t, nil))
	c := n.gene("p1")
	defer n.srv.HoldPictures(0)()
	a := n.call("GET", "/image/"+c.random+".png", nil)
	a.refused(503, 1000)
	if a.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestALinkIsLimitedLikeAPicture(t *testing.T) {
	n := limited(t, login.Limits{CheckRate: 1})
	c := n.gene("p1")
	if got := callsBeforeRefusal(t, 100, func() answer { return n.call("GET", "/s/"+c.random, nil) }); got < 10 || got > 30 {
		t.Errorf("%d times before 429", got)
	}
	n.call("GET", "/s/"+n.gene("p1").random, nil, "Accept", "text/html")
	if a := n.call("GET", "/image/"+c.random+".svg", nil); a.status != 200 {
		t.Errorf("opening links uses up the limit of pictures: %d", a.status)
	}
}
