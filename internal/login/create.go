package login

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// CreateRequest asks for a new code.
type CreateRequest struct {
	Pool       *pool.Pool // its current settings
	CustomData string     // JSON object, in ASCII; it becomes part of the picture
	Client     string     // id of the OAuth client that alone gets tokens for the ticket; "": every one of the pool with a secret
	Challenge  string     // RFC 7636, see CheckChallenge; "" if there is none
	Count      int        // number of the code on its page, from 1
	Trace      string     // as in session.Session

	// Subscribe is called with the code's id once the code is admitted, before it is
	// stored. An error ends Create. nil: nothing is called.
	Subscribe func(session.ID) error
}

// Created is a code that Create has stored, with the secret for its browser.
type Created struct {
	session.Session
	BrowserKey string // as pool.Pool.BrowserKey returns it
}

// Create counts, admits and stores a new code. The caller's address, user agent and cookie
// become the code's client and binding.
//
// If the caller has an authorization request, the code, its challenge and step-up are for that.
//
// Errors: ErrChallengeRequired; ErrNoRequest, if the authorization request is of another pool or has ended;
// TooMany and StoreFull, see IsAdmission; that of Subscribe; ErrUnavailable.
func (s *Service) Create(ctx context.Context, by *Caller, req CreateRequest) (Created, error) {
	p := req.Pool
	if a := by.Authorization; a != nil {
		if a.Pool != p.ID {
			return Created{}, ErrNoRequest
		}
		req.Challenge = a.Challenge
	}
	if p.RequirePKCE && req.Challenge == "" {
		return Created{}, ErrChallengeRequired
	}
	if err := s.admit(ctx, by, p); err != nil {
		return Created{}, err
	}
	code, err := s.newCode(by, req)
	if err != nil {
		return Created{}, err
	}
	if req.Subscribe != nil {
		if err := req.Subscribe(code.ID); err != nil {
			return Created{}, err
		}
	}
	err = s.withStore(ctx, func(ctx context.Context) (err error) {
		code.Session, err = s.store.Create(ctx, code.Session)
		return err
	})
	if err == nil && by.Authorization != nil {
		err = s.noteCode(ctx, by, by.Authorization, code.Session)
	}
	if err != nil {
		return Created{}, err
	}
	by.SetSubject(p, code.Session)
	s.emit(by, session.EventMade, code.Session)
	return code, nil
}

func (s *Service) newCode(by *Caller, req CreateRequest) (Created, error) {
	p := req.Pool
	code := s.emptyCode(by, p)
	code.CustomData, code.Count, code.Trace = req.CustomData, req.Count, req.Trace
	code.Challenge, code.Match = req.Challenge, p.Match
	code.ExpiresAt = code.CreatedAt.Add(p.CodeTTL)
	code.Authorization = session.Authorization{ClientID: req.Client}
	if by.Cookie != "" {
		code.CookieHash = cookieHash(by.Cookie)
	}
	if a := by.Authorization; a != nil {
		code.Grant, code.Authorization, code.StepUp = session.GrantAuthorizationCode, a.stored(), a.StepUp
	}
	var err error
	if code.Payload, err = s.pictureText(p, code); err != nil {
		return Created{}, err
	}
	code, browserKey := p.WithHashes(code)
	return Created{code, browserKey}, nil
}

// emptyCode returns a new code of p that the caller requests.
func (s *Service) emptyCode(by *Caller, p *pool.Pool) session.Session {
	code := session.Session{
		ID: session.NewID(), Pool: p.ID, Client: session.Client{IP: by.IP, UserAgent: by.UserAgent},
		Salt: make([]byte, 16), SecretID: p.Secret.ID(), CreatedAt: s.store.Now().Truncate(time.Millisecond),
	}
	rand.Read(code.Salt)
	return code
}

// Withdraw discards a code of p at its page's wish. Errors: session.ErrUsed if it was decided,
// session.ErrOver if it has ended, session.ErrNotFound, ErrUnavailable.
func (s *Service) Withdraw(ctx context.Context, by *Caller, p *pool.Pool, id session.ID) error {
	_, _, err := s.apply(ctx, by, id, session.Change{Action: session.Withdraw, Pool: p.ID})
	if errors.Is(err, session.ErrOtherPool) {
		return session.ErrNotFound
	}
	return err
}
