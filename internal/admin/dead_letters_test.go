package admin_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/webhook/queue"
)

// addDeadLetter adds a dead letter of pool p.
func (r *fixture) addDeadLetter(id, failure string) {
	r.t.Helper()
	lane := queue.Lane{Name: "webhooks:p:dead", MaxLen: 100, DropOldest: true, TTL: time.Hour}
	if err := r.queue.Add(r.t.Context(), lane, `{"id":"`+id+`","body":"{}","failure":"`+failure+`"}`); err != nil {
		r.t.Fatal(err)
	}
}

func TestDeadLettersAreShownAndResent(t *testing.T) {
	r := newFixture(t)
	r.login()
	if body := r.expect(200, "GET", "/console/letters", nil); !strings.Contains(body, "None: every webhook message") {
		t.Errorf("without any: %s", body)
	}
	for _, id := range []string{"msg_1", "msg_2", "msg_3"} {
		r.addDeadLetter(id, "answered <404>")
	}
	body := r.expect(200, "GET", "/console/letters", nil)
	if strings.Count(body, "answered &lt;404&gt;") != 3 || !strings.Contains(body, "msg_2") {
		t.Errorf("three letters: %s", body)
	}
	form := r.form("letter", "msg_2")
	r.expect(403, "POST", "/console/letters?id=p", url.Values{"letter": {"msg_2"}})
	r.expect(404, "POST", "/console/letters?id=nobody", form)
	r.expect(303, "POST", "/console/letters?id=p", form)
	if body := r.expect(200, "GET", "/console/letters", nil); strings.Contains(body, "msg_2") || !strings.Contains(body, "msg_1") {
		t.Errorf("after one was sent again: %s", body)
	}
	form.Del("letter")
	r.expect(303, "POST", "/console/letters?id=p", form)
	if body := r.expect(200, "GET", "/console/letters", nil); !strings.Contains(body, "None: every webhook message") {
		t.Errorf("after all were sent again: %s", body)
	}
	due, err := r.queue.List(t.Context(), queue.Lane{Name: "webhooks:p:due", MaxLen: 100, TTL: time.Hour}, 10)
	if err != nil || len(due) != 3 {
		t.Errorf("%d are due, error %v", len(due), err)
	}
	if want := "resend alice"; !slices.Contains(r.actions, want) {
		t.Errorf("actions %q lack %q", r.actions, want)
	}
}

func TestAuditLinesAreFilteredAndEscaped(t *testing.T) {
	r := newFixture(t)
	r.login()
	for query, want := range map[string]string{
		"":                      "2 of 2 lines",
		"?kind=%3Cmade%3E":      "1 of 2 lines",
		"?pool=p":               "1 of 2 lines",
		"?text=U1":              "1 of 2 lines",
		"?text=u1&pool=other":   "0 of 2 lines",
		"?text=%3Cscript%3E%22": "0 of 2 lines",
	} {
		body := r.expect(200, "GET", "/console/audit"+query, nil)
		if !strings.Contains(body, want) || strings.Contains(body, "<made>") || strings.Contains(body, "<script>\"") {
			t.Errorf("%s: want %s: %s", query, want, body)
		}
	}
}
