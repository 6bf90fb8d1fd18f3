package phone

import (
	"fmt"
	"io"
	"strings"

	"github.com/scanlogin/scanlogin/session"
)

// Write writes the details of the login for a user at a terminal.
func (s Scan) Write(w io.Writer) error {
	var b strings.Builder
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "  %-8s %s\n", name, plain(text))
		}
	}
	fmt.Fprintf(&b, "%s\n", plain(s.question()))
	if s.Device != nil {
		line("device", fmt.Sprintf("%s asks; does it show the code %s?", s.Device.Client, s.Device.UserCode))
	}
	line("browser", between(s.Browser.Browser, " on ", s.Browser.OS))
	line("place", s.Browser.Place)
	line("address", s.Browser.IP)
	line("asked", fmt.Sprintf("%.0f s ago", s.Consent.Age))
	line("network", either(s.Consent.SameNetwork, "the same as the phone", "another one than the phone"))
	line("before", either(s.Consent.KnownBrowser, "the user has logged in with this browser", "the user has never logged in with this browser"))
	if n := s.Consent.CodesLately; n != nil {
		line("codes", fmt.Sprintf("%.0f recently, from that address", *n))
	}
	if s.Match == "digits" {
		line("number", "confirm needs --match-code with the two digits on the page")
	}
	line("log in", requirement(s.StepUp))
	for _, r := range s.Consent.Reasons {
		fmt.Fprintf(&b, "%s: %s\n", plain(s.Consent.Verdict), plain(r.Text))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// question is the first line of the consent screen.
func (s Scan) question() string {
	if s.Client != nil {
		return fmt.Sprintf("Log in to %s via %s?", s.Client.Name, s.Pool.Name)
	}
	return fmt.Sprintf("Log in to %s?", s.Pool.Name)
}

// requirement describes what the token needs for confirm; "" if it suffices.
func requirement(s *StepUp) string {
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
