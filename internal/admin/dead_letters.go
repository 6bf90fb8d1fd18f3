package admin

import (
	"net/http"
	"net/url"

	"github.com/scanlogin/scanlogin/internal/webhook"
)

// maxShown is the number of dead letters per pool that the page shows.
const maxShown = 50

// poolDeadLetters are the dead letters of a pool.
type poolDeadLetters struct {
	Pool    string
	Letters []webhook.DeadLetter
	CSRF    string
}

// deadLetters shows the dead letters of all pools.
func (c *Console) deadLetters(w http.ResponseWriter, r *http.Request, s loginSession) {
	var pools []poolDeadLetters
	for _, p := range c.options.Settings.Pools() {
		found, err := c.options.DeadLetters.List(r.Context(), p.ID, maxShown)
		if err != nil {
			c.renderUnavailable(w, r, err)
			return
		}
		if len(found) > 0 {
			pools = append(pools, poolDeadLetters{p.ID, found, s.csrf()})
		}
	}
	c.render(w, r, http.StatusOK, "dead_letters", s.view("Dead letters", "letters", pools))
}

// resend queues one dead letter of a pool again, or all of them.
func (c *Console) resend(w http.ResponseWriter, r *http.Request, s loginSession) {
	p, ok := c.pool(r)
	if !ok {
		c.renderNoPool(w, r)
		return
	}
	var ids []string
	if id := r.PostFormValue("letter"); id != "" {
		ids = append(ids, id)
	}
	if _, err := c.options.DeadLetters.Resend(r.Context(), p.ID, ids...); err != nil {
		c.renderUnavailable(w, r, err)
		return
	}
	c.record(r, Action{Name: "resend", Admin: s.Admin, Pool: p.ID})
	http.Redirect(w, r, "/console/letters#"+url.PathEscape(p.ID), http.StatusSeeOther)
}
