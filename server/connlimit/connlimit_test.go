package connlimit

import "testing"

func TestFilesAreReservedForOtherUses(t *testing.T) {
	for files, want := range map[int]int{100: 50, 300: 150, 1024: 768, 20_000: 19_000, 1 << 20: 1<<20 - 52_428} {
		if got := connectionsFor(files); got != want {
			t.Errorf("of %d files, %d are for connections, want %d", files, got, want)
		}
	}
}
