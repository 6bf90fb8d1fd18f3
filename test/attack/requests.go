package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// consentText tries to show the attacker's sentence to the phone's user.
func consentText(ctx context.Context, env *environment) error {
	by := caller{client: newClient(attackerAddress), agent: "\u202eYour bank: routine security check, press Agree"}
	browser, err := env.scannedBrowser(ctx, by)
	if err != nil {
		return err
	}
	shown := 0.0
	for _, value := range browser {
		if text, ok := value.(string); ok && strings.ContainsRune(text, '\u202e') {
			shown = 1
		}
	}
	if strings.Contains(fmt.Sprint(browser["browser"], browser["os"]), "Agree") {
		shown = 1
	}
	env.record("the phone shows the text", shown)
	return nil
}

// forwardedPort calls through a proxy that adds ports to X-Forwarded-For.
func forwardedPort(ctx context.Context, env *environment) error {
	browser, err := env.scannedBrowser(ctx, caller{client: newClient(proxyAddress), forwarded: "203.0.113.7:5678"})
	if err != nil {
		return err
	}
	wrong := 1.0
	if browser["ip"] == "203.0.113.7" {
		wrong = 0
	}
	env.record("the phone shows the proxy's address", wrong)
	return nil
}

// scannedBrowser creates a code as by, and returns the description of that browser
// in the answer to the phone's scan.
func (env *environment) scannedBrowser(ctx context.Context, by caller) (map[string]any, error) {
	code, err := by.post(ctx, env.nodes[0].url(), "gene", map[string]any{"userPoolId": "attacked"})
	if err != nil {
		return nil, err
	}
	data, err := newSite("attacked").post(ctx, env.nodes[1].url(), "scanned", map[string]any{"random": code["random"], "user": map[string]string{"id": "victim"}})
	if err != nil {
		return nil, err
	}
	browser, _ := data["browser"].(map[string]any)
	if browser == nil {
		return nil, errors.New("the answer to the phone does not describe the browser")
	}
	return browser, nil
}

// wrongSecrets sends 105 wrong secrets from the network of the site's back end.
func wrongSecrets(ctx context.Context, env *environment) error {
	client := newClient(proxyAddress)
	guess := caller{client: client, user: "attacked", key: "a wrong secret of the right length", forwarded: "2001:db8:8::1"}
	right := caller{client: client, user: "attacked", key: secret, forwarded: "2001:db8:8::2"}
	for range 105 {
		if _, err := guess.post(ctx, env.nodes[0].url(), "userinfo", map[string]any{"ticket": "none"}); err == nil {
			return errors.New("a wrong secret was accepted")
		}
	}
	code, err := right.post(ctx, env.nodes[0].url(), "gene", map[string]any{"userPoolId": "attacked"})
	if err == nil {
		_, err = right.post(ctx, env.nodes[0].url(), "scanned", map[string]any{"random": code["random"], "user": map[string]string{"id": "u"}})
	}
	locked := 0.0
	if errors.Is(err, errRefused) {
		locked, err = 1, nil
	}
	env.record("site locked out", locked)
	return err
}

// linkFlood requests the page of one open code.
func linkFlood(ctx context.Context, env *environment) error {
	client := newClient(attackerAddress)
	code, err := caller{client: client}.post(ctx, env.nodes[0].url(), "gene", map[string]any{"userPoolId": "attacked"})
	if err != nil {
		return err
	}
	served := 0
	for range 500 {
		if get(ctx, client, fmt.Sprintf("%s/s/%s", env.nodes[0].url(), code["random"])) == nil {
			served++
		}
	}
	env.record("served, of 500", float64(served))
	return nil
}

// readOnly makes Redis refuse writes, as a replica or a full disk does.
func readOnly(ctx context.Context, env *environment) error {
	if _, err := env.redis.Do(ctx, "CONFIG", "SET", "min-replicas-to-write", "1"); err != nil {
		return err
	}
	ready := 1.0
	f := codeFlood{networks: 1, workers: 32, rate: 1_000}
	flooding, end := context.WithCancel(ctx)
	defer end()
	go func() {
		defer end()
		for pause(ctx, 250*time.Millisecond) && ready > 0 {
			if err := env.nodes[0].ready(ctx); err != nil && ctx.Err() == nil {
				ready = 0
			}
		}
		<-ctx.Done()
	}()
	f.run(flooding, env)
	<-flooding.Done()
	env.record("node stayed ready", ready)
	f.record(env)
	if _, err := env.redis.Do(context.WithoutCancel(ctx), "CONFIG", "SET", "min-replicas-to-write", "0"); err != nil {
		return err
	}
	return env.nodes[0].Await(context.WithoutCancel(ctx), env.nodes[0].ready)
}
