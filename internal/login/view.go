package login

import (
	"context"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// ViewRequest asks for the state of a code.
type ViewRequest struct {
	Pool   PoolName // if it names a pool, the code must be that pool's
	Random string   // the code's id, as received

	// Clients says that the secret of an OAuth client counts like that of the pool, for codes that
	// the client may exchange.
	Clients bool
}

// View is a code as one caller found it.
type View struct {
	Pool *pool.Pool
	Code session.Session
	Rights
}

// View loads a code, and determines what the caller may see of it. It counts a lookup that
// fails, and refuses callers without proof that guess, and pages whose origin is not allowed.
//
// Errors: ErrNoPool, FieldError, session.ErrNotFound, TooMany, ErrOrigin, ErrUnavailable.
func (s *Service) View(ctx context.Context, by *Caller, req ViewRequest) (View, error) {
	own, named, err := s.FindPool(req.Pool)
	if err != nil {
		return View{}, err
	}
	if req.Random == "" {
		return View{}, FieldError{"random", Required}
	}
	id, err := session.ParseID(req.Random)
	var code session.Session
	var p *pool.Pool
	if err == nil {
		code, p, err = s.Code(ctx, id)
	}
	if err == nil && named && own.ID != p.ID {
		err = session.ErrNotFound
	}
	if err != nil {
		return View{}, s.countFailure(ctx, by, err)
	}
	by.SetSubject(p, code)
	rights := NewRights(p, code, s.proofOf(ctx, by, req, code, p))
	if !rights.IsBrowser {
		if err := s.checkGuesses(by, code); err != nil {
			return View{}, err
		}
	}
	if err := s.CheckOrigin(by, p); err != nil {
		return View{}, err
	}
	return View{Pool: p, Code: code, Rights: rights}, nil
}

// proofOf returns what the caller of View proves.
func (s *Service) proofOf(ctx context.Context, by *Caller, req ViewRequest, code session.Session, p *pool.Pool) Proof {
	if by.Credentials == nil || !req.Clients {
		return s.proofFor(ctx, by, p)
	}
	if _, c := s.pools.Client(by.Credentials.ID); c == nil {
		return s.proofFor(ctx, by, p)
	}
	proof := by.Proof
	own, c, err := s.AuthenticateClient(ctx, by, *by.Credentials)
	proof.site = err == nil && !c.IsPublic() && own.ID == p.ID && mayExchange(c, code)
	return proof
}

// proofFor returns what the caller proves for codes of p. Wrong credentials are counted, but
// not refused here: the next request with a wrong secret is.
func (s *Service) proofFor(ctx context.Context, by *Caller, p *pool.Pool) Proof {
	proof := by.Proof
	if by.Credentials == nil || s.checkWrongSecrets(ctx, by) != nil {
		return proof
	}
	if by.Credentials.ID != p.ID || !s.authenticate(ctx, by) {
		_ = s.countFailure(ctx, by, ErrCredentials)
		return proof
	}
	proof.site = true
	return proof
}

// CountCheck counts a check of a view's code. Its browser is counted apart from all others,
// so a person who saw the picture cannot use up what the page needs. The error is TooMany.
func (s *Service) CountCheck(v View) error {
	if v.IsBrowser {
		return s.countLook(string(v.Code.ID) + " browser")
	}
	return s.countLook(string(v.Code.ID))
}

// Look is what a caller without further rights wants to see of a code.
type Look string

const (
	LookPicture Look = "picture"
	LookLink    Look = "link"
)

// LookAtLink is Look for the path of a link behind /s/. A pool that it names must be the
// code's.
func (s *Service) LookAtLink(ctx context.Context, by *Caller, path string) (session.Session, *pool.Pool, error) {
	name, err := readLinkPath(path)
	if err != nil {
		return session.Session{}, nil, err
	}
	return s.look(ctx, by, name, LookLink)
}

// Look loads a code for its picture. It counts the look, and lookups that fail.
// Errors: session.ErrNotFound, TooMany, ErrUnavailable.
func (s *Service) Look(ctx context.Context, by *Caller, id session.ID, what Look) (session.Session, *pool.Pool, error) {
	return s.look(ctx, by, codeName{id: id}, what)
}

func (s *Service) look(ctx context.Context, by *Caller, name codeName, what Look) (session.Session, *pool.Pool, error) {
	code, p, err := s.Code(ctx, name.id)
	if err == nil && !name.isIn(p) {
		code, p, err = session.Session{}, nil, session.ErrNotFound
	}
	if err != nil {
		return code, p, s.countFailure(ctx, by, err)
	}
	if err := s.checkGuessesWithProof(by, p, code); err != nil {
		return code, p, err
	}
	return code, p, s.countLook(string(name.id) + " " + string(what))
}

// Rights are what one caller may see of a code: determined once, with the code loaded, valid
// for the code's whole life.
type Rights struct {
	IsBrowser bool // the caller proved to be the browser, or the site
	entitled  bool // to ticket and user: the browser, or anybody if the pool does not bind
	full      bool // the pool returns the full user to those who are entitled
	hasTicket bool // the code's grant is the ticket: it is not for an OAuth client
	secrets   secrets

	// authorization is the request that the code is for, if the caller is the browser that made it.
	authorization *Authorization
}

// NewRights returns the rights of a caller with a proof. For limits and origins see View.
func NewRights(p *pool.Pool, code session.Session, proof Proof) Rights {
	return newRights(p, code, proof.IsBrowser(p, code), proof.Authorization)
}

// BrowserRights returns the rights of the browser that requested the code, with the authorization
// request a, nil if it has none.
func BrowserRights(p *pool.Pool, code session.Session, a *Authorization) Rights {
	return newRights(p, code, true, a)
}

func newRights(p *pool.Pool, code session.Session, isBrowser bool, a *Authorization) Rights {
	r := Rights{
		IsBrowser: isBrowser, entitled: isBrowser || !p.BindBrowser, secrets: newSecrets(p, code),
		hasTicket: code.Grant != session.GrantAuthorizationCode && code.Grant != session.GrantDeviceCode,
	}
	if isBrowser && a.has(code) {
		r.authorization = a
	}
	// A code with a challenge returns the user only for its verifier.
	r.full = r.entitled && r.hasTicket && p.ReturnFullUserInfo && code.Challenge == ""
	return r
}

// secrets derives the secrets of a code when they are shown: most pages never need them.
type secrets struct {
	pool     *pool.Pool
	id       session.ID
	salt     []byte
	secretID string
	match    session.Match
}

func newSecrets(p *pool.Pool, code session.Session) secrets {
	return secrets{p, code.ID, code.Salt, code.SecretID, code.Match}
}

// code returns the part of the code that its secrets are derived from.
func (s secrets) code() session.Session {
	return session.Session{ID: s.id, Salt: s.salt, SecretID: s.secretID, Match: s.match}
}

func (s secrets) ticket() string    { return s.pool.Ticket(s.code()) }
func (s secrets) matchCode() string { return s.pool.MatchCode(s.code()) }

// redirect returns where the browser goes when a user has confirmed the code; nil if the code is
// for no authorization request of the browser.
func (r Rights) redirect(user string) *Redirect {
	a := r.authorization
	if a == nil {
		return nil
	}
	if a.User != "" && a.User != user {
		redirect := a.Answer(map[string]string{"error": "login_required", "error_description": "another user logged in than id_token_hint names"})
		return &redirect
	}
	credential := r.secrets.pool.AuthorizationCode(r.secrets.code())
	if credential == "" {
		return nil
	}
	redirect := a.Answer(map[string]string{"code": credential})
	return &redirect
}

// needsUser reports whether the rights include more than a snapshot has.
func (r Rights) needsUser(status session.Status) bool {
	return r.full && (status == session.Confirmed || status == session.Redeemed)
}

// State is what one caller sees of a code.
type State struct {
	Snapshot       session.Snapshot
	Time           time.Time // by the store's clock
	IsBrowser      bool
	ScannedUserID  string    // "" if nobody scanned, or the caller may not know
	Ticket         string    // "" if there is none, or the caller may not have it
	MatchCode      string    // to be entered on the phone; "" if there is none
	User           *FullUser // nil: only nickname and photo of the snapshot
	Redirect       *Redirect // to the OAuth client; nil if there is none, or the caller may not have it
	TicketWithheld bool      // there is a ticket, but the caller is not entitled to it
}

// stateOf returns what r shows of a snapshot at now.
func stateOf(snap session.Snapshot, r Rights, now time.Time) State {
	st := State{Snapshot: snap, Time: now, IsBrowser: r.IsBrowser}
	if r.entitled {
		st.ScannedUserID = snap.UserID
	}
	switch snap.Status {
	case session.Confirmed:
		st.TicketWithheld = r.hasTicket && !r.entitled
		if r.entitled && r.hasTicket {
			st.Ticket = r.secrets.ticket()
		}
		st.Redirect = r.redirect(snap.UserID)
	case session.Scanned:
		if r.IsBrowser {
			st.MatchCode = r.secrets.matchCode()
		}
	}
	return st
}

// Show returns what a view shows.
func (s *Service) Show(v View) (State, error) {
	st := stateOf(v.Code.Snapshot(), v.Rights, s.store.Now())
	if v.needsUser(v.Code.Status) {
		user, err := s.fullUser(v.Pool, v.Code)
		if err != nil {
			return State{}, err
		}
		st.User = &user
	}
	return st, nil
}

// ShowSnapshot returns what rights show of a snapshot. If that includes the full user, it
// loads the code, and State.Snapshot may be another one than snap.
// Errors: session.ErrNotFound, ErrUnavailable.
func (s *Service) ShowSnapshot(ctx context.Context, snap session.Snapshot, r Rights) (State, error) {
	if !r.needsUser(snap.Status) {
		return stateOf(snap, r, s.store.Now()), nil
	}
	code, p, err := s.Code(ctx, snap.ID)
	if err != nil {
		return State{}, err
	}
	return s.Show(View{Pool: p, Code: code, Rights: r})
}
