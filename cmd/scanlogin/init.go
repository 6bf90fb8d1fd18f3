package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// initCommand does not use configFlags, because there are no values to override.
type initCommand struct {
	Config string `default:"scanlogin.yaml" env:"SCANLOGIN_CONFIG" help:"File to write."`
}

// initFile is the file, with SECRET in place of a secret. A setting that is off follows its #
// without a space.
//
//go:embed init.yaml
var initFile string

// Run writes the file with a new secret, for this user only. It fails if the file exists.
func (c *initCommand) Run(o output) error {
	file, err := os.OpenFile(c.Config, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists and was not changed; name another file with --config", c.Config)
	}
	if err != nil {
		return err
	}
	_, err = file.WriteString(strings.Replace(initFile, "secret: SECRET", "secret: "+randomSecret(), 1))
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.out, "%s is written, with a new secret for its pool; next: scanlogin serve --config %s\n", c.Config, c.Config)
	return err
}
