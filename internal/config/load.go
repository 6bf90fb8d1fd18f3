package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"strings"

	"github.com/scanlogin/scanlogin/internal/safefile"
)

// Override is a value from a flag or an environment variable, which replaces the one in
// the file.
type Override struct {
	Path   string
	Text   string
	Source string // name of the flag, with its dashes, or of the variable
}

// Load reads a file, applies overrides, resolves the secrets and validates all of it. The
// error is [Problems] and names everything that is wrong.
func Load(file string, overrides []Override) (*Config, error) {
	d, err := read(file, overrides)
	if err != nil {
		return nil, err
	}
	return d.config()
}

// New validates values that come from a program.
func New(values Values) (*Config, error) {
	d := &document{values: values, positions: map[string]position{"": {source: "configuration"}}}
	return d.config()
}

// Defaults returns the values of an empty file.
func Defaults() (values Values) {
	setDefaults(reflect.ValueOf(&values).Elem(), "")
	return values
}

// DefaultPool returns the values of a pool that are in force where the file does not set them.
func DefaultPool() (p Pool) {
	setDefaults(reflect.ValueOf(&p).Elem(), "pools[]")
	return p
}

// DefaultClient returns the values of a client that are in force where the file does not set them.
func DefaultClient() (c Client) {
	setDefaults(reflect.ValueOf(&c).Elem(), "pools[].clients[]")
	return c
}

// OpsListen returns where a server with this configuration has its ops listener. Apart
// from the syntax of the file nothing else is validated.
func OpsListen(file string, overrides []Override) (string, error) {
	d, err := read(file, overrides)
	if err != nil {
		return "", err
	}
	if s, _ := lookup("ops_listen"); d.values.OpsListen != "" {
		d.checkText("ops_listen", s, d.values.OpsListen)
	}
	if len(d.problems) > 0 {
		d.problems.sort()
		return "", d.problems
	}
	return d.values.OpsListen, nil
}

// read reads a file and applies overrides. The error is [Problems] and is for a file that
// cannot be read; other problems are in the document.
func read(file string, overrides []Override) (*document, error) {
	text, err := safefile.Read(file, maxConfigBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Problems{{at: position{source: file}, Text: "does not exist; `scanlogin init` writes a configuration to start from, and --config or SCANLOGIN_CONFIG names another file"}}
	}
	if err != nil {
		return nil, Problems{{at: position{source: file}, Text: fmt.Sprintf("cannot be read: %v", err)}}
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

func (d *document) apply(o Override) {
	walk(reflect.ValueOf(&d.values).Elem(), "", func(path string, leaf reflect.Value) {
		if path != o.Path {
			return
		}
		maps.DeleteFunc(d.positions, func(at string, _ position) bool { return strings.HasPrefix(at, path+"[") })
		d.positions[path] = position{source: o.Source}
		if err := setText(leaf, o.Text); err != nil {
			d.refuse(path, err.Error())
		}
	})
}

// config resolves, validates and builds. The error is [Problems].
func (d *document) config() (*Config, error) {
	variables := d.namedVariables()
	d.resolveSecrets()
	d.validate()
	c := d.build()
	if d.file != "" {
		c.Warnings = append(unknownVariables(variables), c.Warnings...)
	}
	if len(d.problems) > 0 {
		d.problems.sort()
		return nil, d.problems
	}
	return c, nil
}

// resolveSecrets replaces references to secrets with the secrets.
func (d *document) resolveSecrets() {
	resolve := func(path string, reference Secret) Secret {
		value, err := resolveSecret(reference)
		if err != nil {
			d.refuse(path, err.Error())
			return ""
		}
		d.addSource(path, reference, value)
		return value
	}
	walk(reflect.ValueOf(&d.values).Elem(), "", func(path string, leaf reflect.Value) {
		switch reference := leaf.Interface().(type) {
		case Secret:
			leaf.Set(reflect.ValueOf(resolve(path, reference)))
		case []Secret:
			for i, one := range reference {
				reference[i] = resolve(fmt.Sprintf("%s[%d]", path, i), one)
			}
		}
	})
}
