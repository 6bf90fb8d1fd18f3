package config

import (
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
)

func TestDefaultLimitsAreThoseOfTheServer(t *testing.T) {
	s := mustLoad(t, "public_url: https://scan.example.com\npools:\n  - id: p1\n    secret: twenty-four bytes and more\n")
	if login.Limits(s.Limits) != login.DefaultLimits() {
		t.Errorf("the configuration has %+v, the use cases %+v", s.Limits, login.DefaultLimits())
	}
}

func TestPoolLimitsOverrideOnlyTheirPool(t *testing.T) {
	s := mustLoad(t, `public_url: https://scan.example.com
pools:
  - {id: p1, secret: twenty-four bytes and more, known_browser_ttl: 1h, limits: {codes_per_pool: 7, user_rate: 3}}
  - {id: p2, secret: twenty-four bytes and more}
`)
	if p := s.UserPools[0]; p.Limits != (pool.Limits{CodesPerPool: 7, UserRate: 3}) || p.KnownBrowserTTL != time.Hour {
		t.Errorf("%+v, %v", p.Limits, p.KnownBrowserTTL)
	}
	if p := s.UserPools[1]; p.Limits != (pool.Limits{}) || p.KnownBrowserTTL != pool.DefaultKnownBrowserTTL {
		t.Errorf("%+v, %v", p.Limits, p.KnownBrowserTTL)
	}
}
