package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/scanlogin/scanlogin/session"
)

// scannedData holds the fields of the answer to a scan that are shown to the user.
type scannedData struct {
	Pool    struct{ Name string }
	Browser struct{ IP, Browser, OS, Place string }
	Match   string
	Consent *struct {
		Verdict      string
		Reasons      []struct{ Text string }
		Age          int
		SameNetwork  *bool
		KnownBrowser *bool
		CodesLately  *int
	}
}

// showConsent writes the details of the login for the user, if data has them.
func showConsent(w io.Writer, data json.RawMessage) error {
	var d scannedData
	if json.Unmarshal(data, &d) != nil || d.Consent == nil {
		return nil
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
	line("asked", fmt.Sprintf("%d s ago", d.Consent.Age))
	line("network", either(d.Consent.SameNetwork, "the same as the phone", "another one than the phone"))
	line("before", either(d.Consent.KnownBrowser, "the user has logged in with this browser", "the user has never logged in with this browser"))
	if n := d.Consent.CodesLately; n != nil {
		line("codes", fmt.Sprintf("%d recently, from that address", *n))
	}
	if d.Match == "digits" {
		line("number", "confirm needs --match-code with the two digits on the page")
	}
	for _, r := range d.Consent.Reasons {
		fmt.Fprintf(&b, "%s: %s\n", plain(d.Consent.Verdict), plain(r.Text))
	}
	_, err := io.WriteString(w, b.String())
	return err
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
