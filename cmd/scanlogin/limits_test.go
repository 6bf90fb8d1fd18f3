package main

import (
	"testing"

	"github.com/scanlogin/scanlogin/server"
)

func TestLimitsOfTheReferenceAreTheServers(t *testing.T) {
	s := mustLoad(t, "public_url: https://scan.example.com\npools:\n  - id: p1\n    secret: twenty-four bytes and more\n")
	if s.Limits != server.DefaultLimits() {
		t.Errorf("the reference says %+v, the server %+v", s.Limits, server.DefaultLimits())
	}
}
