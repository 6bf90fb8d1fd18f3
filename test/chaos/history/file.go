package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"
)

// File is a history as it is kept: what happened, and for how long it was
// watched.
type File struct {
	Events  []Event
	Strikes []Strike
	End     time.Duration
}

const fileName = "history.jsonl"

// line is one of a file's lines of JSON; only one of its parts is set.
type line struct {
	Event  *Event        `json:"event,omitempty"`
	Strike *Strike       `json:"strike,omitempty"`
	End    time.Duration `json:"end,omitempty"`
}

// Save keeps f in a directory.
func (f File) Save(dir string) error {
	file, err := os.Create(filepath.Join(dir, fileName))
	if err != nil {
		return err
	}
	buffer := bufio.NewWriter(file)
	out := json.NewEncoder(buffer)
	for i := range f.Strikes {
		err = errors.Join(err, out.Encode(line{Strike: &f.Strikes[i]}))
	}
	for i := range f.Events {
		err = errors.Join(err, out.Encode(line{Event: &f.Events[i]}))
	}
	return errors.Join(err, out.Encode(line{End: f.End}), buffer.Flush(), file.Close())
}

// Load returns what Save kept.
func Load(dir string) (f File, err error) {
	file, err := os.Open(filepath.Join(dir, fileName))
	if err != nil {
		return f, err
	}
	defer file.Close()
	for in := json.NewDecoder(bufio.NewReader(file)); ; {
		var l line
		switch err := in.Decode(&l); {
		case errors.Is(err, io.EOF):
			return f, nil
		case err != nil:
			return f, err
		case l.Event != nil:
			f.Events = append(f.Events, *l.Event)
		case l.Strike != nil:
			f.Strikes = append(f.Strikes, *l.Strike)
		default:
			f.End = l.End
		}
	}
}
