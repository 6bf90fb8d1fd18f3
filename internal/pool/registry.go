package pool

import (
	"sync/atomic"

	"github.com/scanlogin/scanlogin/internal/identity"
)

// Registry finds pools. Reads need no lock; Replace takes effect for all later reads.
type Registry struct {
	index atomic.Pointer[index]
}

type index struct {
	all     []*Pool
	byID    map[string]*Pool
	byApp   map[string]*Pool
	clients map[string]ownedClient
	origins map[string]bool
}

type ownedClient struct {
	pool   *Pool
	client *Client
}

// NewRegistry returns a registry of pools. Ids of pools, app ids and ids of clients must be
// unique.
func NewRegistry(pools ...*Pool) *Registry {
	r := new(Registry)
	r.Replace(pools...)
	return r
}

// Replace replaces all pools at once.
func (r *Registry) Replace(pools ...*Pool) {
	ix := &index{
		all:     pools,
		byID:    make(map[string]*Pool),
		byApp:   make(map[string]*Pool),
		clients: make(map[string]ownedClient),
		origins: make(map[string]bool),
	}
	for _, p := range pools {
		ix.byID[p.ID] = p
		for _, app := range p.AppIDs {
			ix.byApp[app] = p
		}
		for _, c := range p.Clients {
			ix.byApp[c.ID], ix.clients[c.ID] = p, ownedClient{p, c}
		}
		for _, origin := range p.Origins {
			ix.origins[origin] = true
		}
	}
	r.index.Store(ix)
}

// All returns the pools in the order of the configuration.
func (r *Registry) All() []*Pool { return r.index.Load().all }

// ByID returns the pool with the id, or nil.
func (r *Registry) ByID(id string) *Pool { return r.index.Load().byID[id] }

// ByApp returns the pool with the app id, or nil. Ids of clients are app ids.
func (r *Registry) ByApp(id string) *Pool { return r.index.Load().byApp[id] }

// Client returns the client with the id and its pool, or nil.
func (r *Registry) Client(id string) (*Pool, *Client) {
	found := r.index.Load().clients[id]
	return found.pool, found.client
}

// AllowsOrigin reports whether at least one pool lists origin.
func (r *Registry) AllowsOrigin(origin string) bool { return r.index.Load().origins[origin] }

// IdentitiesExcept returns the identities of all other pools than p.
func (r *Registry) IdentitiesExcept(p *Pool) []identity.Identity {
	var ids []identity.Identity
	for _, other := range r.All() {
		if other.ID != p.ID && other.Identity != nil {
			ids = append(ids, other.Identity)
		}
	}
	return ids
}
