package redisstore

import (
	"strconv"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// effects are the names that apply.lua has for effects.
var effects = [...]string{session.Set: "set", session.Increment: "add", session.SetTime: "time", session.Extend: "extend"}

// retention is how long apply.lua keeps a key after the session's end, in ms.
var retention = strconv.FormatInt(session.Retention.Milliseconds(), 10)

// transitionArgs returns the arguments of apply.lua for t on a session.
func transitionArgs(id session.ID, t session.Transition) ([]any, error) {
	args := make([]any, 0, 40)
	args = append(args, string(t.Op), retention)
	for _, row := range t.Rows {
		size := len(args)
		args = append(args, 0)
		args = appendGuards(args, row.Guards)
		for _, w := range row.Writes {
			var err error
			if args, err = appendWrite(args, w); err != nil {
				return nil, err
			}
		}
		args = append(args, announceRow(id, row))
		args[size] = len(args) - size - 1
	}
	return args, nil
}

func appendGuards(args []any, guards []session.Guard) []any {
	args = append(args, len(guards))
	for _, g := range guards {
		switch {
		case g.Test == session.LessThan:
			args = append(args, string(g.Field), "<", g.Values[0])
			continue
		case len(g.Values) == 1:
			args = append(args, string(g.Field), "=", stateText(g.Field, g.Values[0]))
			continue
		}
		args = append(args, string(g.Field), "in", len(g.Values))
		for _, v := range g.Values {
			args = append(args, stateText(g.Field, v))
		}
	}
	return args
}

func appendWrite(args []any, w session.Write) ([]any, error) {
	switch {
	case w.Field == session.FieldUser:
		members, rest, err := encodeUser(*w.User)
		if err != nil {
			return nil, err
		}
		return append(args, string(session.FieldUserID), "set", w.User.ID, fieldShown, "put", members, fieldRest, "put", rest), nil
	case w.Effect == session.Set:
		return append(args, string(w.Field), "set", w.Text), nil
	case w.Effect == session.Increment:
		return append(args, string(w.Field), "add", "1"), nil
	}
	return append(args, string(w.Field), effects[w.Effect], int64(w.After/time.Millisecond)), nil
}
