package pool

import "sync/atomic"

// Book finds pools. Reading needs no lock; Replace takes effect for whoever
// looks next.
type Book struct {
	index atomic.Pointer[index]
}

type index struct {
	all     []*Pool
	byID    map[string]*Pool
	byApp   map[string]*Pool
	origins map[string]bool
}

// NewBook makes a book of pools, whose ids and app ids must be distinct.
func NewBook(pools ...*Pool) *Book {
	b := new(Book)
	b.Replace(pools...)
	return b
}

// Replace puts pools in the place of all that were there.
func (b *Book) Replace(pools ...*Pool) {
	ix := &index{
		all:     pools,
		byID:    make(map[string]*Pool),
		byApp:   make(map[string]*Pool),
		origins: make(map[string]bool),
	}
	for _, p := range pools {
		ix.byID[p.ID] = p
		for _, app := range p.AppIDs {
			ix.byApp[app] = p
		}
		for _, origin := range p.Origins {
			ix.origins[origin] = true
		}
	}
	b.index.Store(ix)
}

// All returns the pools in the order of the configuration.
func (b *Book) All() []*Pool { return b.index.Load().all }

// ByID returns the pool of that id, or nil.
func (b *Book) ByID(id string) *Pool { return b.index.Load().byID[id] }

// ByApp returns the pool that lists the app id, or nil.
func (b *Book) ByApp(id string) *Pool { return b.index.Load().byApp[id] }

// AllowsOrigin reports whether any pool lists origin.
func (b *Book) AllowsOrigin(origin string) bool { return b.index.Load().origins[origin] }
