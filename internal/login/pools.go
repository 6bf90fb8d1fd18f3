package login

import (
	"fmt"

	"github.com/scanlogin/scanlogin/internal/pool"
)

// PoolName is how a request names its pool: by its id or by an app id. The zero PoolName
// names none.
type PoolName struct{ ID, App string }

// FindPool returns the pool that a request names. If it names none, named is false and there
// is no error. The error is ErrNoPool.
func (s *Service) FindPool(name PoolName) (p *pool.Pool, named bool, err error) {
	switch {
	case name.ID != "":
		p = s.pools.ByID(name.ID)
	case name.App != "":
		p = s.pools.ByApp(name.App)
	default:
		return nil, false, nil
	}
	if p == nil {
		return nil, true, ErrNoPool
	}
	return p, true, nil
}

// Pools returns all pools with their current settings, in the order of the configuration.
func (s *Service) Pools() []*pool.Pool { return s.pools.All() }

// Pool returns the current settings of a pool, or ErrNoPool.
func (s *Service) Pool(id string) (*pool.Pool, error) {
	if p := s.pools.ByID(id); p != nil {
		return p, nil
	}
	return nil, ErrNoPool
}

// KnowsOrigin reports whether origin is the server's own or listed by any pool.
func (s *Service) KnowsOrigin(origin string) bool {
	return origin != "" && (origin == s.origin || s.pools.AllowsOrigin(origin))
}

// CheckOrigin refuses a page whose origin is neither listed by the pool nor the server's
// own, with ErrOrigin. A caller without an origin is not a browser, and is not refused for
// that.
func (s *Service) CheckOrigin(by *Caller, p *pool.Pool) error {
	if by.Origin == "" || by.Origin == s.origin || p.AllowsOrigin(by.Origin) {
		return nil
	}
	by.originRefused = true
	return fmt.Errorf("%w: user pool %s", ErrOrigin, p.ID)
}

// CheckAnyOrigin is CheckOrigin while the pool is not known: it refuses a page whose origin
// no pool lists.
func (s *Service) CheckAnyOrigin(by *Caller) error {
	if by.Origin == "" || s.KnowsOrigin(by.Origin) {
		return nil
	}
	by.originRefused = true
	return ErrOrigin
}
