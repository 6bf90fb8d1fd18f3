package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/scanlogin/scanlogin/internal/phone"
	"github.com/scanlogin/scanlogin/session"
)

// showConsent writes the details of the login for the user.
func showConsent(w io.Writer, data json.RawMessage) error {
	d, err := phone.ReadScan(data)
	if err != nil {
		return err
	}
	var b strings.Builder
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "  %-8s %s\n", name, plain(text))
		}
	}
	fmt.Fprintf(&b, "Log in to %s?\n", plain(d.Pool.Name))
	line("browser", between(d.Browser.Browser, " on ", d.Browser.OS))
	line("place", d.Browser.Place)
	line("address", d.Browser.IP)
	line("asked", fmt.Sprintf("%.0f s ago", d.Consent.Age))
	line("network", either(d.Consent.SameNetwork, "the same as the phone", "another one than the phone"))
	line("before", either(d.Consent.KnownBrowser, "the user has logged in with this browser", "the user has never logged in with this browser"))
	if n := d.Consent.CodesLately; n != nil {
		line("codes", fmt.Sprintf("%.0f recently, from that address", *n))
	}
	if d.Match == "digits" {
		line("number", "confirm needs --match-code with the two digits on the page")
	}
	line("log in", requirement(d.StepUp))
	for _, r := range d.Consent.Reasons {
		fmt.Fprintf(&b, "%s: %s\n", plain(d.Consent.Verdict), plain(r.Text))
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// requirement describes what the token needs for confirm; "" if it suffices.
func requirement(s *phone.StepUp) string {
	if s == nil {
		return ""
	}
	var parts []string
	if s.MaxAge != nil {
		parts = append(parts, fmt.Sprintf("at most %.0f s ago", *s.MaxAge))
	}
	if len(s.ACRValues) > 0 {
		parts = append(parts, "acr "+strings.Join(s.ACRValues, " or "))
	}
	if len(s.AMR) > 0 {
		parts = append(parts, "amr "+strings.Join(s.AMR, " or "))
	}
	return "confirm needs a newer token: " + strings.Join(parts, ", ")
}

// between joins two texts unless one is empty.
func between(a, glue, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + glue + b
}

// either returns yes or no, and "" if the fact is unknown.
func either(fact *bool, yes, no string) string {
	switch {
	case fact == nil:
		return ""
	case *fact:
		return yes
	}
	return no
}

// maxShown is the most characters of each text, enough for a sentence.
const maxShown = 500

// plain removes control characters, because a browser can put anything into these texts.
func plain(text string) string { return session.DisplayText(text, maxShown) }
