package admin

import (
	"net/http"
	"net/url"

	"github.com/scanlogin/scanlogin/internal/webhook"
)

// lettersShown is how many dead letters of a pool are shown: who has more has one
// trouble, not many.
const lettersShown = 50

// lot is the dead letters of a pool.
type lot struct {
	Pool    string
	Letters []webhook.DeadLetter
	CSRF    string
}

// letters shows the messages of webhooks that were given up.
func (c *Console) letters(w http.ResponseWriter, r *http.Request, v visit) {
	var lots []lot
	for _, p := range c.options.Desk.Pools() {
		found, err := c.options.Letters.List(r.Context(), p.ID, lettersShown)
		if err != nil {
			c.away(w, err)
			return
		}
		if len(found) > 0 {
			lots = append(lots, lot{p.ID, found, v.csrf()})
		}
	}
	c.show(w, http.StatusOK, "letters", view{Title: "Dead letters", Page: "letters", Admin: v.Admin, CSRF: v.csrf(), Data: lots})
}

// resend queues one message of a pool anew, or all of them.
func (c *Console) resend(w http.ResponseWriter, r *http.Request, v visit) {
	p, ok := c.pool(r)
	if !ok {
		c.noPool(w)
		return
	}
	var ids []string
	if id := r.PostFormValue("letter"); id != "" {
		ids = append(ids, id)
	}
	if _, err := c.options.Letters.Resend(r.Context(), p.ID, ids...); err != nil {
		c.away(w, err)
		return
	}
	c.record(r, Action{Name: "resend", Admin: v.Admin, Pool: p.ID})
	http.Redirect(w, r, "/console/letters#"+url.PathEscape(p.ID), http.StatusSeeOther)
}
