package server

import (
	"context"
	"net/netip"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// facts are what is known of a login at one moment. What is not known is nil,
// and nothing follows from it.
type facts struct {
	Age          int   `json:"age"`                    // seconds since the page asked
	SameNetwork  *bool `json:"sameNetwork,omitempty"`  // phone and page have one public address, or one IPv6 /64
	SameCountry  *bool `json:"sameCountry,omitempty"`  // by these addresses
	KnownBrowser *bool `json:"knownBrowser,omitempty"` // the user has confirmed for this browser before
	CodesLately  *int  `json:"codesLately,omitempty"`  // that the page's address asked for
}

// reason is something about a login that a person should know.
type reason struct{ name, en, zh string }

var (
	otherCountry = reason{"other_country", "The login page is in another country than your phone", "登录页面与您的手机不在同一国家或地区"}
	manyCodes    = reason{"many_codes", "Many login codes were asked for from the same address lately", "同一地址近期请求了大量登录二维码"}
	newBrowser   = reason{"new_browser", "You have not logged in with this browser before", "您此前未在该浏览器上登录过"}
	otherNetwork = reason{"other_network", "The login page is on another network than your phone", "登录页面与您的手机不在同一网络"}
	oldRequest   = reason{"old_request", "The login page has been waiting for some time", "登录页面已等待了一段时间"}
)

// verdict says what facts come to by a pool's rules: the gravest of what they
// lead to, and the reasons that are not OK.
func verdict(f facts, rules pool.Consent) (v pool.Verdict, why []reason) {
	isNot := func(fact *bool) bool { return fact != nil && !*fact }
	v = pool.OK
	for _, row := range [...]struct {
		holds   bool
		leadsTo pool.Verdict
		reason
	}{
		{isNot(f.SameCountry), rules.OtherCountry, otherCountry},
		{f.CodesLately != nil && *f.CodesLately >= rules.ManyCodesFrom, rules.ManyCodes, manyCodes},
		{isNot(f.KnownBrowser), rules.NewBrowser, newBrowser},
		{isNot(f.SameNetwork), rules.OtherNetwork, otherNetwork},
		{f.Age >= wholeSeconds(rules.OldAfter), rules.OldRequest, oldRequest},
	} {
		if !row.holds || row.leadsTo != pool.Careful && row.leadsTo != pool.Block {
			continue
		}
		why = append(why, row.reason)
		if v != pool.Block {
			v = row.leadsTo
		}
	}
	return v, why
}

// factsOf collects what is known now of a login that a user is asked about on a
// phone at address.
func (s *Server) factsOf(code session.Session, address netip.Addr, known acquaintance) facts {
	page, _ := netip.ParseAddr(code.Client.IP)
	f := facts{
		Age:         max(0, wholeSeconds(s.store.Now().Sub(code.CreatedAt))),
		SameNetwork: ipaddr.SameNetwork(page, address), KnownBrowser: known.browser, CodesLately: known.codes,
	}
	here, _ := s.place(page, "en")
	there, _ := s.place(address, "en")
	if here != "" && there != "" {
		same := here == there
		f.SameCountry = &same
	}
	return f
}

// phoneAddress is where the phone is, as far as that can be told: a back end
// that calls in its place has to say it.
func phoneAddress(c echo.Context, in phoneRequest) (netip.Addr, error) {
	text := c.RealIP()
	if _, _, ok := c.Request().BasicAuth(); ok {
		if text = in.PhoneIP; text == "" {
			return netip.Addr{}, nil
		}
		if _, err := netip.ParseAddr(text); err != nil {
			return netip.Addr{}, malformed("phoneIp", "must be an IP address", "必须是 IP 地址")
		}
	}
	addr, _ := netip.ParseAddr(text)
	return addr, nil
}

// consentData is what the phone shows beside who is asking.
type consentData struct {
	Verdict pool.Verdict `json:"verdict"`
	Reasons []reasonData `json:"reasons"`
	facts
}

type reasonData struct {
	Name string `json:"name"` // for programs
	Text string `json:"text"` // for people, in their language
}

func consentOf(l locale, f facts, rules pool.Consent) *consentData {
	v, why := verdict(f, rules)
	out := &consentData{Verdict: v, Reasons: make([]reasonData, len(why)), facts: f}
	for i, r := range why {
		out.Reasons[i] = reasonData{r.name, l.localize(r.en, r.zh)}
	}
	return out
}

// notBlocked refuses a confirm that the pool's rules block, by the facts of now;
// they are not asked for where no rule can.
func (s *Server) notBlocked(ctx context.Context, p *pool.Pool, code session.Session, user string, address netip.Addr) error {
	if !p.Consent.CanBlock() {
		return nil
	}
	known := s.lately.of(ctx, p, code, user)
	if v, why := verdict(s.factsOf(code, address, known), p.Consent); v == pool.Block {
		return blocked(why)
	}
	return nil
}

// blocked is the refusal of a login for these reasons.
func blocked(why []reason) error {
	r := &refusal{problem: errBlocked, en: errBlocked.en, zh: errBlocked.zh}
	for i, w := range why {
		r.en += [...]string{": ", "; "}[min(i, 1)] + w.en
		r.zh += [...]string{"：", "；"}[min(i, 1)] + w.zh
	}
	return r
}
