package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/scanlogin/scanlogin/session"
)

// scannedData is what people are shown of the answer to a scan.
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

// showConsent writes in words who asks for the login, if data says so.
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
	line("network", either(d.Consent.SameNetwork, "the same as this phone's", "another one than this phone's"))
	line("before", either(d.Consent.KnownBrowser, "the user has logged in with this browser", "the user has never logged in with this browser"))
	if n := d.Consent.CodesLately; n != nil {
		line("codes", fmt.Sprintf("%d lately, from that address", *n))
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

func between(a, glue, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + glue + b
}

func either(fact *bool, yes, no string) string {
	switch {
	case fact == nil:
		return ""
	case *fact:
		return yes
	}
	return no
}

// maxShown bounds each text that is shown, in characters: a sentence.
const maxShown = 500

// plain leaves out what could play tricks on a terminal: much of this is what a
// stranger's browser says of itself.
func plain(text string) string { return session.DisplayText(text, maxShown) }
