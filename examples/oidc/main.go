// Command oidc is a command-line program that logs its user in through OpenID Connect: with an
// address to open in a browser, or, for machines without one, with a code to type into the app.
//
//	go run ./examples/oidc [-device] http://127.0.0.1:8080/oidc/demo
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

func main() {
	client := flag.String("client", "cli", "`id` of a client without a secret")
	device := flag.Bool("device", false, "show a code to type, in place of an address")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, flag.Arg(0), *client, *device); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run logs the user in, and prints the claims of the ID token and what UserInfo says.
func run(ctx context.Context, issuer, client string, device bool) error {
	if issuer == "" {
		return errors.New("the issuer is missing, for example http://127.0.0.1:8080/oidc/demo")
	}
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return err
	}
	config := &oauth2.Config{ClientID: client, Endpoint: provider.Endpoint(), Scopes: []string{oidc.ScopeOpenID, "profile", "email"}}
	config.Endpoint.AuthStyle = oauth2.AuthStyleInParams // the client has no secret
	logIn := inBrowser
	if device {
		logIn = onDevice
	}
	tokens, nonce, err := logIn(ctx, config, issuer)
	if err != nil {
		return err
	}
	text, _ := tokens.Extra("id_token").(string)
	idToken, err := provider.Verifier(&oidc.Config{ClientID: client}).Verify(ctx, text)
	if err != nil {
		return err
	}
	if idToken.Nonce != nonce {
		return errors.New("the ID token is from another login")
	}
	user, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		return err
	}
	return errors.Join(show("ID token", idToken), show("UserInfo", user))
}

// show prints claims.
func show(title string, from interface{ Claims(any) error }) error {
	var claims map[string]any
	if err := from.Claims(&claims); err != nil {
		return err
	}
	text, err := json.MarshalIndent(claims, "", "  ")
	fmt.Printf("%s %s\n", title, text)
	return err
}

// onDevice uses the device authorization grant (RFC 8628): the user types the code into the app, or
// opens the address on the phone, and compares the code.
func onDevice(ctx context.Context, config *oauth2.Config, _ string) (tokens *oauth2.Token, nonce string, err error) {
	device, err := config.DeviceAuth(ctx)
	if err != nil {
		return nil, "", err
	}
	fmt.Printf("type the code %s into the app,\nor open %s on the phone\n", device.UserCode, device.VerificationURIComplete)
	tokens, err = config.DeviceAccessToken(ctx, device)
	return tokens, "", err
}
