package push

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/server/wire"
	"github.com/scanlogin/scanlogin/session"
)

// get makes a request and returns the status and the whole answer.
func (n *node) get(path string, headers ...string) (int, string) {
	n.t.Helper()
	req, err := http.NewRequestWithContext(n.t.Context(), http.MethodGet, n.url+path, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		n.t.Error(err)
		return 0, ""
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		n.t.Error(err)
	}
	return res.StatusCode, string(text)
}

// wait is a check that waits for a version above the known one.
func (n *node) wait(code session.Session, seconds float64, known int) wire.Status {
	n.t.Helper()
	_, text := n.get(fmt.Sprintf("/check?random=%s&wait=%g&version=%d", code.ID, seconds, known))
	var st wire.Status
	if err := json.Unmarshal([]byte(text), &st); err != nil {
		n.t.Errorf("answer %q", text)
	}
	return st
}

func TestChecksWaitForANewerVersion(t *testing.T) {
	n := start(t, nil)
	code := n.create()
	if st := n.wait(code, 20, 0); st.Version != 1 {
		t.Errorf("a newer version was there: %+v", st)
	}
	if st := n.wait(code, 0, 1); st.Version != 1 {
		t.Errorf("without wait: %+v", st)
	}
	began := time.Now()
	if st := n.wait(code, 0.2, 1); st.Version != 1 || time.Since(began) < 200*time.Millisecond {
		t.Errorf("after %v: %+v", time.Since(began), st)
	}
	got := make(chan wire.Status)
	go func() { got <- n.wait(code, 25, 1) }()
	eventually(t, "it waits", func() bool { return n.hub.Watches() == 1 })
	n.step(code.ID, session.Scan)
	if st := <-got; st.Version != 2 {
		t.Errorf("after the step: %+v", st)
	}
	n.step(code.ID, session.Cancel)
	if st := n.wait(code, 25, 3); st.Version != 3 || st.Event != "canceled" {
		t.Errorf("of a code that has ended: %+v", st)
	}
	eventually(t, "nothing waits", func() bool { return n.hub.Watches() == 0 && n.login.Usage().Connections == 0 })
}

func TestChecksThatWaitEndWithTheNode(t *testing.T) {
	n := start(t, nil)
	code := n.create()
	got := make(chan wire.Status)
	go func() { got <- n.wait(code, 25, 1) }()
	eventually(t, "it waits", func() bool { return n.hub.Watches() == 1 })
	n.Stop()
	select {
	case st := <-got:
		if st.Version != 1 {
			t.Errorf("answer %+v", st)
		}
	case <-time.After(20 * time.Second):
		t.Error("the check waits on after the node has stopped")
	}
}

// TestACheckDoesNotWaitForAVersionThatWasLost asks with a version that is not stored: a failover of
// Redis lost it. A page that waited would show it until the time is over.
func TestACheckDoesNotWaitForAVersionThatWasLost(t *testing.T) {
	n := start(t, nil)
	code := n.create()
	began := time.Now()
	if st := n.wait(code, 25, 2); st.Version != 1 || time.Since(began) >= 25*time.Second {
		t.Errorf("after %v: %+v", time.Since(began), st)
	}
}

func TestWaitingIsLimitedByAddress(t *testing.T) {
	n := start(t, func(l *login.Limits, _ *pool.Pool) { l.SocketsPerAddress = 1 })
	code := n.create()
	done := make(chan wire.Status)
	go func() { done <- n.wait(code, 25, 1) }()
	eventually(t, "it waits", func() bool { return n.hub.Watches() == 1 })
	for _, path := range []string{"/check?wait=20&version=1&random=", "/events?random="} {
		if status, text := n.get(path + string(code.ID)); status != http.StatusTeapot || !strings.Contains(text, "too many") {
			t.Errorf("%s: %d %q", path, status, text)
		}
	}
	for _, known := range []string{"&wait=0&version=1", "&wait=20&version=0"} { // which need not wait
		if status, text := n.get("/check?random=" + string(code.ID) + known); status != http.StatusOK {
			t.Errorf("%s: %d %q", known, status, text)
		}
	}
	n.Stop()
	<-done
}

func TestLostMessagesEndAWaitWithAnError(t *testing.T) {
	n := start(t, nil)
	code := n.create()
	got := make(chan string)
	go func() {
		_, text := n.get(fmt.Sprintf("/check?random=%s&wait=25&version=1", code.ID))
		got <- text
	}()
	eventually(t, "it waits", func() bool { return n.hub.Watches() == 1 })
	n.store.Deliver(session.Snapshot{ID: code.ID}, session.ErrLost)
	if text := <-got; !strings.Contains(text, login.ErrUnavailable.Error()) {
		t.Errorf("answer %q", text)
	}
}
