package oidc

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"unicode/utf8"
)

// maxBody is the maximum size of a body, in bytes: a client's largest useful one, with a refresh
// token and an ID token, has a few KiB.
const maxBody = 64 << 10

// params are the parameters of a request. An empty one counts as absent (RFC 6749, 3.1).
type params map[string]string

// readParams reads the parameters of the body of a POST, of the query otherwise. One that is
// repeated is refused (RFC 6749, 3.1 and 3.2): two readers might choose another one of them.
func readParams(w http.ResponseWriter, r *http.Request) (params, error) {
	text := r.URL.RawQuery
	if r.Method == http.MethodPost && r.ContentLength == 0 {
		text = "" // UserInfo may be a POST with the token in the header
	} else if r.Method == http.MethodPost {
		if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" {
			return nil, errInvalidRequest.because("the body must be application/x-www-form-urlencoded")
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		var tooLarge *http.MaxBytesError
		switch {
		case errors.As(err, &tooLarge):
			return nil, errInvalidRequest.because("the body is too large")
		case err != nil:
			return nil, errInvalidRequest.because("the body could not be read")
		}
		text = string(body)
	}
	return parseParams(text)
}

func parseParams(text string) (params, error) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, errInvalidRequest.because("the parameters are not in the form application/x-www-form-urlencoded")
	}
	form := make(params, len(values))
	for name, list := range values {
		switch {
		case name == "resource": // may be repeated (RFC 8707, 2)
			continue
		case len(list) > 1:
			return nil, errInvalidRequest.because("a parameter is repeated")
		case !utf8.ValidString(list[0]) || !utf8.ValidString(name):
			return nil, errInvalidRequest.because("a parameter is not UTF-8")
		}
		form[name] = list[0]
	}
	return form, nil
}
