package server

import (
	"slices"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
)

func yes() *bool       { v := true; return &v }
func no() *bool        { v := false; return &v }
func count(n int) *int { return &n }

// all has every rule lead to v.
func all(v pool.Verdict) pool.Consent {
	return pool.Consent{
		OtherNetwork: v, OtherCountry: v, NewBrowser: v, ManyCodes: v, OldRequest: v,
		ManyCodesFrom: 10, OldAfter: time.Minute,
	}
}

func TestEachRuleFiresOnItsFactAlone(t *testing.T) {
	for _, test := range []struct {
		name string
		f    facts
		want []string
	}{
		{"nothing is known", facts{}, nil},
		{"all is well", facts{Age: 59, SameNetwork: yes(), SameCountry: yes(), KnownBrowser: yes(), CodesLately: count(9)}, nil},
		{"country", facts{SameCountry: no()}, []string{"other_country"}},
		{"network", facts{SameNetwork: no()}, []string{"other_network"}},
		{"browser", facts{KnownBrowser: no()}, []string{"new_browser"}},
		{"codes", facts{CodesLately: count(10)}, []string{"many_codes"}},
		{"age", facts{Age: 60}, []string{"old_request"}},
		{"all of it", facts{Age: 61, SameNetwork: no(), SameCountry: no(), KnownBrowser: no(), CodesLately: count(11)},
			[]string{"other_country", "many_codes", "new_browser", "other_network", "old_request"}},
	} {
		for _, leadsTo := range []pool.Verdict{pool.Careful, pool.Block, pool.OK, ""} {
			v, why := verdict(test.f, all(leadsTo))
			var names []string
			for _, r := range why {
				names = append(names, r.name)
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

func TestTheGravestRuleDecides(t *testing.T) {
	odd := facts{SameNetwork: no(), SameCountry: no(), KnownBrowser: no()}
	for _, rules := range []pool.Consent{
		{OtherCountry: pool.Block, NewBrowser: pool.Careful, OtherNetwork: pool.Careful},
		{OtherCountry: pool.Careful, NewBrowser: pool.Careful, OtherNetwork: pool.Block},
	} {
		if v, why := verdict(odd, rules); v != pool.Block || len(why) != 3 {
			t.Errorf("%+v: %s for %v", rules, v, why)
		}
	}
}

// Who configures nothing must not find users locked out.
func TestTheDefaultsBlockNothing(t *testing.T) {
	for _, f := range []facts{{}, {Age: 600, SameNetwork: no(), SameCountry: no(), KnownBrowser: no(), CodesLately: count(1_000_000)}} {
		if v, why := verdict(f, pool.DefaultConsent()); v == pool.Block {
			t.Errorf("%+v is blocked for %v", f, why)
		}
	}
}
