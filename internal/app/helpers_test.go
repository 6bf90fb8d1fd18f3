package app

import (
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/scanlogin/scanlogin/internal/config/configtest"
)

func TestMain(m *testing.M) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "SCANLOGIN_") || strings.HasPrefix(name, "OTEL_") {
			os.Unsetenv(name) // tests set their own
		}
	}
	goleak.VerifyTestMain(m)
}

const (
	testSecret = configtest.Secret
	good       = configtest.Minimal
	second     = configtest.SecondPool
)
