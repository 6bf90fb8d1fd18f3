package redisstore

import (
	"strconv"
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// effects are the names that apply.lua has for effects.
var effects = map[session.Effect]string{
	session.Set: "set", session.Increment: "add", session.SetTime: "time", session.Extend: "extend",
}

// transitionArgs returns the arguments of apply.lua for t on a session.
func transitionArgs(id session.ID, t session.Transition) ([]any, error) {
	args := make([]any, 0, 64)
	args = append(args, string(t.Op), session.Retention.Milliseconds(), len(recordFields))
	for _, name := range recordFields {
		args = append(args, name)
	}
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
		test := "in"
		if g.Test == session.LessThan {
			test = "<"
		}
		args = append(args, string(g.Field), test, len(g.Values))
		for _, v := range g.Values {
			args = append(args, v)
		}
	}
	return args
}

func appendWrite(args []any, w session.Write) ([]any, error) {
	add := func(field, value string) { args = append(args, field, effects[w.Effect], value) }
	switch {
	case w.Field == session.FieldUser:
		members, rest, err := encodeUser(*w.User)
		if err != nil {
			return nil, err
		}
		add(string(session.FieldUserID), w.User.ID)
		add(fieldShown, members)
		add(string(session.FieldUser), rest)
	case w.Effect == session.Set:
		add(string(w.Field), w.Text)
	case w.Effect == session.Increment:
		add(string(w.Field), "1")
	default:
		add(string(w.Field), strconv.FormatInt(int64(w.After/time.Millisecond), 10))
	}
	return args, nil
}
