package login

import (
	"cmp"

	"github.com/scanlogin/scanlogin/internal/authorization"
	"github.com/scanlogin/scanlogin/session"
)

// emit emits an event about a code that was stored.
func (s *Service) emit(by *Caller, kind session.EventKind, code session.Session) {
	s.observers.Emit(session.Event{
		Kind: kind, Time: s.store.Now(), Pool: code.Pool, Code: code,
		Client: cmp.Or(code.Authorization.ClientID, by.client), User: by.user, IP: by.IP, RequestID: by.RequestID,
	})
}

// EmitRefused emits that a request was refused. call is the first word of its route, "" if
// there is no such route; reason is the name of the refusal in the error table.
func (s *Service) EmitRefused(by *Caller, call, reason string) {
	if len(s.observers) == 0 {
		return
	}
	s.observers.Emit(session.Event{
		Kind: session.EventRefused, Time: s.store.Now(), Pool: by.subject.Pool, Code: by.subject.Code, User: by.subject.User,
		IP: by.IP, RequestID: by.RequestID, Call: call, Reason: reason,
	})
}

// emitTokens emits an event about the tokens of a login at an OAuth client.
func (s *Service) emitTokens(by *Caller, kind session.EventKind, l authorization.Login) {
	s.observers.Emit(session.Event{
		Kind: kind, Time: s.store.Now(), Pool: l.Pool, Client: l.Client, User: l.User.ID, IP: by.IP, RequestID: by.RequestID,
	})
}
