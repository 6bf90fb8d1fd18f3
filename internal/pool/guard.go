package pool

import (
	"errors"
	"fmt"
	"io"

	"github.com/scanlogin/scanlogin/session"
)

// MissingForGuard returns the settings that Authing's login widget Guard needs and the pool
// does not have, as "key: value", with the reason. Guard names the pool by an application,
// exchanges the ticket in the browser, shows no digits and sends no PKCE challenge (as seen
// with @authing/guard 5.3.9). nil: Guard works.
func (p *Pool) MissingForGuard() (missing []string) {
	for _, need := range []struct {
		isMet  bool
		advice string
	}{
		{len(p.AppIDs)+len(p.Clients) > 0, "app_ids: the application's id, by which Guard names the pool"},
		{len(p.Origins) > 0, "origins: the origins of the pages with Guard"},
		{p.AllowBrowserExchange, "allow_browser_exchange: true, because Guard exchanges the ticket in the browser"},
		{p.Match == session.MatchNone, "match: off, because Guard shows no number"},
		{!p.RequirePKCE, "require_pkce: false, because Guard sends no challenge"},
	} {
		if !need.isMet {
			missing = append(missing, need.advice)
		}
	}
	return missing
}

// errUnfitForGuard is the result of CheckForGuard if a pool lacks a setting.
var errUnfitForGuard = errors.New("guard cannot log users in to the pools listed")

// CheckForGuard writes a line for each setting that Guard needs and a pool does not have, and
// fails if there is one.
func CheckForGuard(w io.Writer, pools []*Pool) (err error) {
	for _, p := range pools {
		missing := p.MissingForGuard()
		if len(missing) == 0 {
			fmt.Fprintf(w, "pool %s has the settings that Guard needs\n", p.ID)
			continue
		}
		err = errUnfitForGuard
		for _, advice := range missing {
			fmt.Fprintf(w, "pool %s: Guard needs %s\n", p.ID, advice)
		}
	}
	return err
}
