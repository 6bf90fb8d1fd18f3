package config

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// starter is a commented configuration, with SECRET in place of a secret. A setting that is
// off follows its # without a space.
//
//go:embed starter.yaml
var starter string

// WriteStarter writes a commented configuration to start from, with the secret of its pool,
// for this user only. It fails if the file exists, and does not change it.
func WriteStarter(path string, secret Secret) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // #nosec G304 -- the user of the command names the file
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists and was not changed; name another file with --config", path)
	}
	if err != nil {
		return err
	}
	_, err = file.WriteString(strings.Replace(starter, "secret: SECRET", "secret: "+string(secret), 1))
	return errors.Join(err, file.Close())
}
