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

// History is everything recorded in a run, and the run's duration.
type History struct {
	Events []Event
	Faults []Fault
	End    time.Duration
}

const fileName = "history.jsonl"

// line is one line of a history file. Only one of its fields is set.
type line struct {
	Event *Event        `json:"event,omitempty"`
	Fault *Fault        `json:"fault,omitempty"`
	End   time.Duration `json:"end,omitempty"`
}

// Save writes the history to a file in a directory.
func (f History) Save(dir string) error {
	file, err := os.Create(filepath.Join(dir, fileName))
	if err != nil {
		return err
	}
	buffer := bufio.NewWriter(file)
	out := json.NewEncoder(buffer)
	for i := range f.Faults {
		err = errors.Join(err, out.Encode(line{Fault: &f.Faults[i]}))
	}
	for i := range f.Events {
		err = errors.Join(err, out.Encode(line{Event: &f.Events[i]}))
	}
	return errors.Join(err, out.Encode(line{End: f.End}), buffer.Flush(), file.Close())
}

// Load reads a history that Save wrote.
func Load(dir string) (f History, err error) {
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
		case l.Fault != nil:
			f.Faults = append(f.Faults, *l.Fault)
		default:
			f.End = l.End
		}
	}
}
