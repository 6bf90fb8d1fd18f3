package server_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/server"
)

// ops requests a path of the ops routes.
func (n *node) ops(path string) (int, string) {
	w := httptest.NewRecorder()
	n.srv.Ops().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Code, w.Body.String()
}

func TestReadiness(t *testing.T) {
	var age time.Duration
	n := start(t, memNode(), func(o *server.Options) {
		o.BusAge = func() time.Duration { return age }
	}, newPool(t, nil))
	ready := n.isReady
	ready(200, "ok")
	n.store.Fail(errors.New("away"))
	ready(503, "store")
	n.store.Fail(nil)
	eventually(t, "the store's recovery is logged like its failure", func() bool {
		n.ops("/readyz")
		return len(n.warnings(`"ready again"`)) == 1 && len(n.warnings(`"not ready"`)) == 1
	})
	age = time.Minute
	ready(503, "bus")
	age = 0
	ready(200, "ok")
	if code, _ := n.ops("/livez"); code != 200 {
		t.Errorf("livez: %d", code)
	}
}

func TestRequestsAreServedUntilTheDrainDelayHasPassed(t *testing.T) {
	n := start(t, memNode(), func(o *server.Options) { o.DrainDelay = 500 * time.Millisecond }, newPool(t, nil))
	p := n.dial("userPoolId=p1", nil)
	p.event("code")
	left := make(chan error, 1)
	go func() { left <- n.stop() }()
	eventually(t, "it says that it is not ready", func() bool { code, text := n.ops("/readyz"); return code == 503 && strings.Contains(text, "leaving") })
	n.gene("p1") // served during the drain delay
	p.closed(1012)
	if err := <-left; err != nil {
		t.Errorf("it ended with %v", err)
	}
}
