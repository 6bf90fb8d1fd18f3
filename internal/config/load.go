package main

import (
	"crypto/ecdsa"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/internal/geoip"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/server"
)

// configuration is the configuration file with environment and flags applied: checked, its secrets
// read, its pools built.
type configuration struct {
	Listen, OpsListen string
	PublicURL         string
	RedisURL          secretText // it may hold a password; empty: memory, one node
	WaitReplicas      int
	KeyPrefix         string
	StoreMaxBytes     int64              // 0: Redis's maxmemory; memstore.DefaultMaxBytes
	SigningKey        *ecdsa.PrivateKey  // nil: no token is issued
	OtherKeys         []*ecdsa.PublicKey // published beside it
	TokenTTL          time.Duration
	TrustedProxies    []netip.Prefix
	DrainDelay        time.Duration
	Places            *geoip.Map // nil: nobody knows where an address is
	TrustTrace        bool
	Limits            server.Limits
	LogLevel          slog.Level
	LogFormat         string
	Audit             auditConfig
	Pools             []*pool.Pool

	config   config           // what this was made of, for comparing
	places   map[string]place // where its values stood
	warnings []problem
}

// loadSettings reads the configuration in file, with overrides in the place of
// its values. If anything is wrong the error is [problems], and names all of it.
func loadSettings(file string, overrides []override) (*configuration, error) {
	d, err := readDocument(file, overrides)
	if err != nil {
		return nil, err
	}
	d.requireAll()
	d.resolveAll()
	s := d.settings()
	if len(d.problems) > 0 {
		d.problems.sort()
		return nil, d.problems
	}
	return s, nil
}

// readDocument reads file and puts the overrides in. The error is [problems] of
// a file that cannot be read; what else is wrong stands in the document.
func readDocument(file string, overrides []override) (*document, error) {
	text, err := readRegular(file, maxConfigBytes)
	if err != nil {
		return nil, problems{{place: place{source: file}, text: fmt.Sprintf("cannot be read: %v", reason(err))}}
	}
	d, err := parse(file, text)
	if err != nil {
		return nil, err
	}
	for _, o := range overrides {
		d.apply(o)
	}
	return d, nil
}

// override is a value that a flag or an environment variable gives.
type override struct {
	path   string
	text   string
	source string // name of the flag or variable
}

func (d *document) apply(o override) {
	walk(reflect.ValueOf(&d.config).Elem(), "", func(path string, leaf reflect.Value) {
		if path != o.path {
			return
		}
		maps.DeleteFunc(d.places, func(at string, _ place) bool { return strings.HasPrefix(at, path+"[") })
		d.places[path] = place{source: o.source}
		if err := setText(leaf, o.text); err != nil {
			d.refuse(path, err.Error())
		}
	})
}

// requireAll notes which required values are absent.
func (d *document) requireAll() {
	if len(d.config.Pools) == 0 {
		d.refuse("pools", "is required: at least one pool with id and secret")
	}
	walk(reflect.ValueOf(d.config), "", func(path string, leaf reflect.Value) {
		if r, ok := lookup(path); ok && r.required && leaf.IsZero() {
			d.refuse(path, "is required. "+r.about)
		}
	})
}

// resolveAll puts the secrets in the place of their names.
func (d *document) resolveAll() {
	walk(reflect.ValueOf(&d.config).Elem(), "", func(path string, leaf reflect.Value) {
		switch named := leaf.Interface().(type) {
		case secretText:
			leaf.Set(reflect.ValueOf(d.resolve(path, named)))
		case []secretText:
			for i, one := range named {
				named[i] = d.resolve(fmt.Sprintf("%s[%d]", path, i), one)
			}
		}
	})
}

func (d *document) resolve(path string, named secretText) secretText {
	value, err := named.resolve()
	if err != nil {
		d.refuse(path, err.Error())
		return ""
	}
	d.keep(path, named, value)
	return value
}

// several returns the values of a key that is written for one value or, with
// an s, for a list of them, of which the first is the one in use.
func (d *document) several(path string, one secretText, list []secretText) []secretText {
	switch many := path + "s"; {
	case d.given(many) && one != "":
		d.refuse(many, "stands beside "+path+"; remove one")
	case d.given(many) && len(list) == 0:
		d.refuse(many, "is empty; write at least one, or remove it")
	case d.given(many):
		for i, value := range list {
			if value != "" && slices.Contains(list[:i], value) {
				d.refuse(fmt.Sprintf("%s[%d]", many, i), "is there twice; remove one")
			}
		}
		return list
	case one != "":
		return []secretText{one}
	}
	return nil
}
