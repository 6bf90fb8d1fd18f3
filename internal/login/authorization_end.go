package login

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/session"
)

// Fields of the record of an authorization request, besides requestField.
const (
	endedField = "ended" // "1": the user went back; the record keeps the codes that were made until then
	codeField  = "code:" // and the id of a code that was made for the request
)

// EndAuthorization ends an authorization request, and withdraws its codes that nobody has confirmed:
// no page can connect with the request from then on, and those that are connected show that their
// code has ended and get no other one. The error is ErrUnavailable.
func (s *Service) EndAuthorization(ctx context.Context, by *Caller, a *Authorization) error {
	p := s.pools.ByID(a.Pool)
	var record map[string]string
	err := s.withStore(ctx, func(ctx context.Context) (err error) {
		record, _, err = s.records.Change(ctx, requestName(a.hash), kv.Change{Set: map[string]string{requestField: "", endedField: "1"}, Expiry: a.expires})
		return err
	})
	if err != nil || p == nil {
		return err
	}
	for name := range record {
		if id, ok := strings.CutPrefix(name, codeField); ok {
			// One that was decided on stays: its answer may be on its way to the client.
			if err := s.Withdraw(ctx, by, p, session.ID(id)); errors.Is(err, ErrUnavailable) {
				return err
			}
		}
	}
	return nil
}

// noteCode records that a code was stored for the request, so that its end withdraws it. If the
// request has ended meanwhile, it withdraws the code, and returns ErrNoRequest.
func (s *Service) noteCode(ctx context.Context, by *Caller, a *Authorization, code session.Session) error {
	var noted bool
	err := s.withStore(ctx, func(ctx context.Context) (err error) {
		_, noted, err = s.records.Change(ctx, requestName(a.hash), kv.Change{
			If: map[string]string{endedField: ""}, Set: map[string]string{codeField + string(code.ID): "1"}, Expiry: a.expires,
		})
		return err
	})
	if err != nil || noted {
		return err
	}
	if err := s.Withdraw(ctx, by, s.pools.ByID(a.Pool), code.ID); errors.Is(err, ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: it ended while a code was made", ErrNoRequest)
}
