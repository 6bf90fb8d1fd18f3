package risk_test

import (
	"slices"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/risk"
)

func yes() *bool       { v := true; return &v }
func no() *bool        { v := false; return &v }
func count(n int) *int { return &n }

// all returns rules that all lead to v.
func all(v pool.Verdict) pool.Consent {
	return pool.Consent{
		OtherNetwork: v, OtherCountry: v, NewBrowser: v, ManyCodes: v, OldRequest: v,
		ManyCodesFrom: 10, OldAfter: time.Minute,
	}
}

func TestEachRuleFiresOnItsSignalAlone(t *testing.T) {
	for _, test := range []struct {
		name string
		f    risk.Signals
		want []string
	}{
		{"nothing is known", risk.Signals{}, nil},
		{"nothing is unusual", risk.Signals{Age: 59, SameNetwork: yes(), SameCountry: yes(), KnownBrowser: yes(), RecentCodes: count(9)}, nil},
		{"country", risk.Signals{SameCountry: no()}, []string{"other_country"}},
		{"network", risk.Signals{SameNetwork: no()}, []string{"other_network"}},
		{"browser", risk.Signals{KnownBrowser: no()}, []string{"new_browser"}},
		{"codes", risk.Signals{RecentCodes: count(10)}, []string{"many_codes"}},
		{"age", risk.Signals{Age: 60}, []string{"old_request"}},
		{"everything", risk.Signals{Age: 61, SameNetwork: no(), SameCountry: no(), KnownBrowser: no(), RecentCodes: count(11)},
			[]string{"other_country", "many_codes", "new_browser", "other_network", "old_request"}},
	} {
		for _, leadsTo := range []pool.Verdict{pool.Careful, pool.Block, pool.OK, ""} {
			v, why := risk.Verdict(test.f, all(leadsTo))
			var names []string
			for _, r := range why {
				names = append(names, string(r))
			}
			want, wantWhy := leadsTo, test.want
			if leadsTo == "" || leadsTo == pool.OK || len(test.want) == 0 {
				want = pool.OK
			}
			if want == pool.OK {
				wantWhy = nil
			}
			if v != want || !slices.Equal(names, wantWhy) {
				t.Errorf("%s, with rules that lead to %q: %s for %v, want %s for %v", test.name, leadsTo, v, names, want, wantWhy)
			}
		}
	}
}

func TestTheMostSevereRuleDecides(t *testing.T) {
	odd := risk.Signals{SameNetwork: no(), SameCountry: no(), KnownBrowser: no()}
	for _, rules := range []pool.Consent{
		{OtherCountry: pool.Block, NewBrowser: pool.Careful, OtherNetwork: pool.Careful},
		{OtherCountry: pool.Careful, NewBrowser: pool.Careful, OtherNetwork: pool.Block},
	} {
		if v, why := risk.Verdict(odd, rules); v != pool.Block || len(why) != 3 {
			t.Errorf("%+v: %s for %v", rules, v, why)
		}
	}
}

// A pool without consent rules must not lock users out.
func TestTheDefaultsBlockNothing(t *testing.T) {
	for _, f := range []risk.Signals{{}, {Age: 600, SameNetwork: no(), SameCountry: no(), KnownBrowser: no(), RecentCodes: count(1_000_000)}} {
		if v, why := risk.Verdict(f, pool.DefaultConsent()); v == pool.Block {
			t.Errorf("%+v is blocked for %v", f, why)
		}
	}
}
