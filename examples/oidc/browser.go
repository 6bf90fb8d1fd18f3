package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// inBrowser uses the authorization code flow of native apps (RFC 8252): the login page of the provider
// sends the browser to an address of this machine, on which the program waits.
func inBrowser(ctx context.Context, config *oauth2.Config, issuer string) (tokens *oauth2.Token, nonce string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	config.RedirectURL = fmt.Sprintf("http://%s/callback", listener.Addr())
	state, verifier := rand.Text(), oauth2.GenerateVerifier()
	nonce = rand.Text()
	answers := make(chan answer, 1)
	server := &http.Server{Handler: callback(issuer, state, answers), ReadTimeout: 10 * time.Second}
	go server.Serve(listener)
	defer server.Shutdown(context.WithoutCancel(ctx)) // after the browser has its page

	fmt.Printf("open %s\n", config.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)))
	select {
	case a := <-answers:
		if a.err != nil {
			return nil, "", a.err
		}
		tokens, err = config.Exchange(ctx, a.code, oauth2.VerifierOption(verifier))
		return tokens, nonce, err
	case <-ctx.Done():
		return nil, "", ctx.Err()
	}
}

// answer is what the provider sends with the browser: an authorization code or an error.
type answer struct {
	code string
	err  error
}

// callback takes the first answer to this login; requests of others and of other logins are refused.
func callback(issuer, state string, answers chan<- answer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if query.Get("state") != state || query.Get("iss") != issuer { // CSRF; mix-up (RFC 9207)
			http.Error(w, "this is not the answer to this login", http.StatusBadRequest)
			return
		}
		a := answer{code: query.Get("code")}
		if a.code == "" {
			a.err = errors.New("the login failed: " + query.Get("error"))
		}
		select {
		case answers <- a:
			fmt.Fprintln(w, "You can close this page: the program has your login.")
		default:
			http.Error(w, "this login has been answered", http.StatusConflict)
		}
	})
	return mux
}
