package main

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/scanlogin/scanlogin/internal/config"
)

// configFlags name the configuration file and the values that override it. Flags override
// the environment, which overrides the file.
type configFlags struct {
	Config    string `default:"scanlogin.yaml" env:"SCANLOGIN_CONFIG" help:"Configuration file; scanlogin init writes one."`
	Overrides any    `embed:"" group:"Override values in the file:"` // see overrideFlags
}

// load reads the configuration.
func (f configFlags) load(line *kong.Context) (*config.Config, error) {
	return config.Load(f.Config, overrides(line))
}

// overrideFlags returns a pointer to a struct with a flag for each setting that has one,
// or for the settings at paths.
func overrideFlags(paths ...string) any {
	wanted := fmt.Sprintf(" %s ", strings.Join(paths, " "))
	var fields []reflect.StructField
	for _, s := range config.Settings() {
		flag, variable := s.Flag()
		if flag == "" || len(paths) > 0 && !strings.Contains(wanted, " "+s.Path+" ") {
			continue
		}
		placeholder := strings.ToUpper(s.Type)
		if strings.HasPrefix(s.Type, "secret") {
			placeholder = "env:NAME|file:PATH"
		}
		fields = append(fields, reflect.StructField{
			Name: fmt.Sprintf("Flag%d", len(fields)),
			Type: reflect.TypeFor[*string](),
			Tag: reflect.StructTag(fmt.Sprintf("name:%q env:%q path:%q placeholder:%q help:%q",
				flag, variable, s.Path, placeholder, s.Summary())),
		})
	}
	return reflect.New(reflect.StructOf(fields)).Interface()
}

// overrides returns the values from the command line and the environment. An empty
// environment variable counts as absent.
func overrides(line *kong.Context) []config.Override {
	typed := make(map[*kong.Flag]bool)
	for _, element := range line.Path {
		typed[element.Flag] = true
	}
	var list []config.Override
	for _, flag := range line.Flags() {
		path := flag.Tag.Get("path")
		if path == "" || flag.Target.IsNil() {
			continue
		}
		text := flag.Target.Elem().String()
		switch {
		case typed[flag]:
			list = append(list, config.Override{Path: path, Text: text, Source: "--" + flag.Name})
		case text != "":
			list = append(list, config.Override{Path: path, Text: text, Source: flag.Envs[0]})
		}
	}
	return list
}
