package main

import (
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/redistest"
)

const twoPools = good + "    code_ttl: 90s\n    identity: {jwt: {hs256_secret: " + testSecret + "}}\n" + second

func TestPoolCommandChangesSettingsOnAllNodes(t *testing.T) {
	redis := redistest.Start(t)
	_, printed, _ := runCommand(t, "console-token", "alice")
	_, admins, _ := strings.Cut(printed, "for the configuration of all nodes:\n\n")
	const listeners = "listen: 127.0.0.1:0\nops_listen: 127.0.0.1:0\n"
	file := writeFile(t, "scanlogin.yaml", twoPools+admins+listeners+"redis_url: "+redis.URL()+"\n")
	node := start(t, "serve", "--config", file)
	node.wait(t, `(redis pub/sub connected)`)
	tests := []struct {
		args []string
		code int
		want string
	}{
		{[]string{"list"}, exitOK, "second  second"},
		{[]string{"set", "demo", "code_ttl=30s", "origins=https://a.example.com,https://b.example.com", "name=A;b=c", "--as", "carol"}, exitOK, `demo: code_ttl: "30s", before "1m30s"`},
		{[]string{"show", "demo"}, exitOK, "https://a.example.com, https://b.example.com"},
		{[]string{"show", "demo"}, exitOK, "A;b=c"},
		{[]string{"set", "demo", "code_ttl=30s"}, exitOK, "nothing to change"},
		{[]string{"set", "demo", "code_ttl=1h"}, exitFailure, "code_ttl: must be from 1s to 10m"},
		{[]string{"set", "none", "code_ttl=1m"}, exitFailure, `the configuration has no pool "none"`},
		{[]string{"reset", "demo", "code_ttl"}, exitOK, `demo: code_ttl: "1m30s", before "30s"`},
	}
	for _, test := range tests {
		code, out, errOut := runCommand(t, append([]string{"pool", test.args[0], "--config", file}, test.args[1:]...)...)
		if code != test.code || !strings.Contains(out+errOut, test.want) {
			t.Errorf("%v: code %d\n%s%s", test.args, code, out, errOut)
		}
	}
	node.wait(t, `("after":"30s","reset":false,"by":"carol")`)
	node.wait(t, `("after":"1m30s","reset":true)`)

	memory := writeFile(t, "scanlogin.yaml", twoPools+admins+listeners)
	if code, _, errOut := runCommand(t, "pool", "list", "--config", memory); code != exitFailure || !strings.Contains(errOut, "change them in its console") {
		t.Errorf("code %d: %s", code, errOut)
	}
	plain := writeFile(t, "scanlogin.yaml", twoPools+"redis_url: "+redis.URL()+"\n")
	if code, _, errOut := runCommand(t, "pool", "list", "--config", plain); code != exitFailure || !strings.Contains(errOut, "nodes do not read changed settings") {
		t.Errorf("code %d: %s", code, errOut)
	}
}

// TestWithoutAConsoleNothingIsServedOrStored also looks for keys in Redis.
func TestWithoutAConsoleNothingIsServedOrStored(t *testing.T) {
	redis := redistest.Start(t)
	file := writeFile(t, "scanlogin.yaml", good+"listen: 127.0.0.1:0\nops_listen: 127.0.0.1:0\nredis_url: "+redis.URL()+"\n")
	node := start(t, "serve", "--config", file)
	ops := node.wait(t, `"ops":"([^"]+)"`)
	node.wait(t, `(redis pub/sub connected)`)
	for _, path := range []string{"/console", "/console/login", "/console/assets/style.css"} {
		if status, _ := call(t, "GET", "http://"+ops+path, ""); status != 404 {
			t.Errorf("%s: %d", path, status)
		}
	}
	if keys := redis.Do("KEYS", "*").([]any); len(keys) != 0 {
		t.Errorf("keys: %v", keys)
	}
}
