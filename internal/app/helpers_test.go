package app

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/scanlogin/scanlogin/internal/config/configtest"
)

func TestMain(m *testing.M) {
	configtest.ClearEnvironment()
	goleak.VerifyTestMain(m)
}

const (
	testSecret = configtest.Secret
	good       = configtest.Minimal
	second     = configtest.SecondPool
)
