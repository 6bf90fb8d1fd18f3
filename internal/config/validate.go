package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// validate checks every value against the tags of its setting, and then the values that
// depend on each other.
func (d *document) validate() {
	if len(d.values.Pools) == 0 {
		d.refuse("pools", "is required: at least one pool with id and secret")
	}
	d.validateTags(reflect.ValueOf(d.values), "")
	d.validateListeners()
	d.validateConsole()
	d.validateAudit()
	d.validatePoolIDs()
	d.validateApps()
	d.validateClients()
}

// validateTags checks the values in v against the tags of their settings.
func (d *document) validateTags(v reflect.Value, path string) {
	walk(v, path, func(path string, leaf reflect.Value) {
		s, ok := lookup(path)
		if !ok {
			return
		}
		if s.Required && leaf.IsZero() {
			d.refuse(path, "is required. "+s.Help)
			return
		}
		switch value := leaf.Interface().(type) {
		case int:
			d.checkNumber(path, s, value)
		case time.Duration:
			d.checkDuration(path, s, value)
		case []string:
			for i, text := range value {
				d.checkElement(fmt.Sprintf("%s[%d]", path, i), s, text)
			}
		case Secret:
			d.checkSecret(path, s, value)
		case []Secret:
			for i, secret := range value {
				d.checkSecret(fmt.Sprintf("%s[%d]", path, i), s, secret)
			}
		default:
			if leaf.Kind() == reflect.String {
				d.checkText(path, s, leaf.String())
			}
		}
	})
}

// checkNumber accepts the zero of a setting that is absent and has no default.
func (d *document) checkNumber(path string, s Setting, value int) {
	if value == 0 && s.Default == "" && !d.given(path) {
		return
	}
	atLeast, errMin := strconv.Atoi(s.min)
	atMost, errMax := strconv.Atoi(s.max)
	if errMin == nil && value < atLeast || errMax == nil && value > atMost {
		d.refuseRange(path, s)
	}
}

// checkDuration accepts what checkNumber does.
func (d *document) checkDuration(path string, s Setting, value time.Duration) {
	if value == 0 && s.Default == "" && !d.given(path) {
		return
	}
	atLeast, errMin := time.ParseDuration(s.min)
	atMost, errMax := time.ParseDuration(s.max)
	if errMin == nil && value < atLeast || errMax == nil && value > atMost {
		d.refuseRange(path, s)
	}
}

func (d *document) refuseRange(path string, s Setting) {
	if s.max == "" {
		d.refuse(path, "must be at least "+s.min)
	} else {
		d.refuse(path, "must be from "+s.min+" to "+s.max)
	}
}

// checkText accepts the empty text of a setting without a default.
func (d *document) checkText(path string, s Setting, text string) {
	switch {
	case text == "" && s.Default == "":
	case len(s.oneOf) > 0 && !slices.Contains(s.oneOf, text):
		d.refuse(path, "must be "+strings.Join(s.oneOf, " or "))
	default:
		d.checkElement(path, s, text)
	}
}

func (d *document) checkElement(path string, s Setting, text string) {
	if s.check == "" {
		return
	}
	if err := checks[s.check](text); err != nil {
		d.refuse(path, err.Error())
	}
}

func (d *document) checkSecret(path string, s Setting, value Secret) {
	atLeast, err := strconv.Atoi(s.min)
	switch {
	case value == "":
	case err == nil && len(value) < atLeast:
		d.refuse(path, fmt.Sprintf("must have at least %d bytes; `scanlogin secret` prints a good one", atLeast))
	default:
		d.checkElement(path, s, string(value))
	}
}

// validateListeners keeps the ops listener apart from the public one.
func (d *document) validateListeners() {
	v := d.values
	if v.OpsListen != "" && v.OpsListen == v.Listen && !strings.HasSuffix(v.OpsListen, ":0") {
		d.refuse("ops_listen", "must differ from listen, so that metrics are not public")
	}
}

// validateConsole requires a listener, and administrators with distinct names.
func (d *document) validateConsole() {
	c := d.values.Console
	switch {
	case c == nil && !d.given("console"):
		return
	case c == nil || len(c.Tokens) == 0:
		d.refuse("console", "needs tokens: at least one with name and sha256; `scanlogin console-token` makes them")
		return
	case d.values.OpsListen == "":
		d.refuse("console", "needs ops_listen, because it is never on the public listener")
	}
	names := make(map[string]bool)
	for i, t := range c.Tokens {
		if names[t.Name] && t.Name != "" {
			d.refuse(fmt.Sprintf("console.tokens[%d].name", i), "is taken; each administrator needs a different name")
		}
		names[t.Name] = true
	}
}

// validateAudit refuses settings of the audit trail that would have no effect.
func (d *document) validateAudit() {
	switch a := d.values.Audit; {
	case a.HashKey != "" && !a.HashAddresses:
		d.refuse("audit.hash_key", "has no effect without hash_addresses: true; add that, or remove the key")
	case a.HashAddresses && a.File == "":
		d.refuse("audit.hash_addresses", "has no effect without file: add a path, or \"-\" for stdout")
	}
}

// validatePoolIDs refuses an id that something else has: of pools, app ids and ids of clients,
// each must find one of them.
func (d *document) validatePoolIDs() {
	taken := map[string]string{}
	claim := func(id, path string) {
		if first, ok := taken[id]; ok && id != "" {
			d.refuse(path, fmt.Sprintf("is taken: %s in line %d has the same; each must be unique", first, d.position(first).line))
			return
		}
		taken[id] = path
	}
	for i, p := range d.values.Pools {
		claim(p.ID, fmt.Sprintf("pools[%d].id", i))
	}
	for i, p := range d.values.Pools {
		for j, app := range p.AppIDs {
			claim(app, fmt.Sprintf("pools[%d].app_ids[%d]", i, j))
		}
		for j, c := range p.Clients {
			claim(c.ID, fmt.Sprintf("pools[%d].clients[%d].id", i, j))
		}
	}
}
