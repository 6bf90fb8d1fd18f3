// Package names guards the names and formats that must not change: other versions of the
// program, sites, phones, dashboards and existing data depend on them. It runs the scanlogin
// binary on a real Redis, performs logins and provokes every refusal that a client can
// cause, collects the names that this shows, and compares them with testdata/names.txt.
package names

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/scanlogin/scanlogin/internal/config"
	"github.com/scanlogin/scanlogin/internal/webhook"
	"github.com/scanlogin/scanlogin/session"
	"github.com/scanlogin/scanlogin/test/program"
)

var update = flag.Bool("update", false, "write the names to the golden file instead of comparing them")

// binary is the path of the scanlogin binary.
var binary string

func TestMain(m *testing.M) { os.Exit(program.Main(m, &binary)) }

const golden = "testdata/names.txt"

// found is a set of lines: the kind of a name and the name.
type found map[string]bool

func (f found) add(kind string, words ...string) {
	f[strings.TrimSpace(kind+": "+strings.Join(words, " "))] = true
}

// TestNamesAreUnchanged fails if a name was changed, added or removed. A name that is added
// on purpose is accepted with -update. A name that is changed or removed needs a migration.
func TestNamesAreUnchanged(t *testing.T) {
	names := make(found)
	addTables(names)
	addDerived(t, names)
	walk(t, names)
	lines := slices.Sorted(maps.Keys(names))
	if *update {
		if err := os.WriteFile(golden, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for _, line := range want {
		if !names[line] {
			t.Errorf("missing: %s", line)
		}
	}
	for _, line := range lines {
		if !slices.Contains(want, line) {
			t.Errorf("new: %s", line)
		}
	}
}

// addTables adds what the program's packages list.
func addTables(names found) {
	for _, s := range config.Settings() {
		flag, variable := s.Flag()
		names.add("setting", s.Path, flag, variable)
	}
	for _, s := range config.PoolSettings() {
		names.add("setting of a pool that the console changes", s.Path)
	}
	for _, event := range webhook.Events() {
		names.add("webhook event", event)
	}
	for _, kind := range []session.EventKind{
		session.EventMade, session.EventScanned, session.EventConfirmed, session.EventCanceled, session.EventWithdrawn,
		session.EventExchanged, session.EventMismatched, session.EventRefused, session.EventExpired, session.EventLost,
		session.EventTokenReused, session.EventTokensRevoked,
	} {
		names.add("session.Event kind", string(kind))
	}
	for _, status := range []session.Status{session.Waiting, session.Scanned, session.Confirmed, session.Canceled, session.Redeemed, session.Expired} {
		names.add("status", fmt.Sprint(int(status)), fmt.Sprint(status.Code()), status.Event())
	}
}
