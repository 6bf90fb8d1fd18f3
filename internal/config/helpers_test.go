package config

import (
	"os"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/config/configtest"
)

func TestMain(m *testing.M) {
	configtest.ClearEnvironment()
	os.Exit(m.Run())
}

const (
	testSecret = configtest.Secret
	good       = configtest.Minimal
)

// mustLoad loads a valid configuration.
func mustLoad(t *testing.T, text string, overrides ...Override) *Config {
	t.Helper()
	c, err := Load(configtest.WriteFile(t, "scanlogin.yaml", text), overrides)
	if err != nil {
		t.Fatalf("refused:\n%v", err)
	}
	return c
}

// refusals loads an invalid configuration and returns the problems without the directory of
// the file.
func refusals(t *testing.T, text string, overrides ...Override) []string {
	t.Helper()
	path := configtest.WriteFile(t, "scanlogin.yaml", text)
	_, err := Load(path, overrides)
	if err == nil {
		t.Fatal("the configuration was accepted")
	}
	return strings.Split(strings.ReplaceAll(err.Error(), path, "scanlogin.yaml"), "\n")
}
