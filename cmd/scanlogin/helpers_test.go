package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/skip2/go-qrcode"
	"go.uber.org/goleak"

	"github.com/scanlogin/scanlogin/internal/config/configtest"
)

func TestMain(m *testing.M) {
	if args := os.Getenv(runAs); args != "" {
		os.Exit(run(untilSignal(), strings.Fields(args), output{os.Stdout, os.Stderr}))
	}
	configtest.ClearEnvironment()
	goleak.VerifyTestMain(m)
}

const (
	testSecret   = configtest.Secret
	good         = configtest.Minimal
	second       = configtest.SecondPool
	testDeadline = time.Minute
)

// runCommand runs a command line until it is done.
func runCommand(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testDeadline)
	defer cancel()
	var stdout, stderr bytes.Buffer
	code = run(ctx, args, output{&stdout, &stderr})
	return code, stdout.String(), stderr.String()
}

// writeFile writes a file into a new directory and returns its path.
func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	return configtest.WriteFile(t, name, text)
}

// testText is the text of a code, and qrPNG its picture.
const testText = `{"scene":"APP_AUTH","random":"0123456789abcdefghijABCDEFGHIJ"}`

func qrPNG(t *testing.T, size int) []byte {
	t.Helper()
	data, err := qrcode.Encode(testText, qrcode.Medium, size)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
