package peers

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/centrifugal/centrifuge"
	"github.com/golang-jwt/jwt/v5"
	"github.com/redis/go-redis/v9"
)

//go:embed replace.lua
var replaceText string

// Comparable serves centrifuge and, on top of it, what a careful developer would write for the
// phone: POST /scanned/<channel> and POST /confirm/<channel> verify the user's token (HS256,
// signed with key), load the record of the channel, check its state, replace it unless another
// request did so meanwhile, and publish. There are no pools, limits, risk signals or retries, and a
// page that connects late misses what was published before.
func Comparable(ctx context.Context, listen, address, key string) error {
	options, err := redis.ParseURL(address)
	if err != nil {
		return err
	}
	client := redis.NewClient(options)
	defer client.Close()
	return withCentrifuge(ctx, listen, address, func(node *centrifuge.Node, mux *http.ServeMux) {
		s := &phoneService{node: node, client: client, replace: redis.NewScript(replaceText), key: []byte(key), parser: jwt.NewParser(
			jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithExpirationRequired(),
		)}
		mux.HandleFunc("POST /scanned/{channel}", s.handle((*record).scan))
		mux.HandleFunc("POST /confirm/{channel}", s.handle((*record).confirm))
	})
}

// record is what the comparable server stores of a login.
type record struct {
	Status     string    `json:"status"` // "", scanned or confirmed
	UserID     string    `json:"userId"`
	Nickname   string    `json:"nickname"`
	TicketHash []byte    `json:"ticketHash,omitempty"`
	UserAgent  string    `json:"userAgent"`
	Address    string    `json:"address"`
	CreatedAt  time.Time `json:"createdAt"`
	ChangedAt  time.Time `json:"changedAt"`

	ticket string // not stored
}

// claims are the claims of a user's token.
type claims struct {
	Nickname string `json:"nickname"`
	jwt.RegisteredClaims
}

var errConflict = errors.New("the login is in another state")

func (r *record) scan(by *claims) error {
	if r.Status != "" {
		return errConflict
	}
	r.Status, r.UserID, r.Nickname = "scanned", by.Subject, by.Nickname
	return nil
}

func (r *record) confirm(by *claims) error {
	if r.Status != "scanned" || r.UserID != by.Subject {
		return errConflict
	}
	r.Status, r.ticket = "confirmed", rand.Text()+rand.Text()+rand.Text()[:22] // as long as scanlogin's
	hash := sha256.Sum256([]byte(r.ticket))
	r.TicketHash = hash[:]
	return nil
}

type phoneService struct {
	node    *centrifuge.Node
	client  *redis.Client
	replace *redis.Script
	key     []byte
	parser  *jwt.Parser
}

// recordTime is how long a record is kept after its last change.
const recordTime = 10 * time.Minute

func (s *phoneService) handle(change func(*record, *claims) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		by := new(claims)
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if _, err := s.parser.ParseWithClaims(token, by, func(*jwt.Token) (any, error) { return s.key, nil }); err != nil || by.Subject == "" {
			http.Error(w, "invalid token", http.StatusUnauthorized)
			return
		}
		err := s.step(r, by, change)
		switch {
		case errors.Is(err, errConflict):
			http.Error(w, err.Error(), http.StatusConflict)
		case err != nil:
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"code":200,"message":"Success"}`))
		}
	}
}

// step loads the record, changes and replaces it, and publishes its state.
func (s *phoneService) step(r *http.Request, by *claims, change func(*record, *claims) error) error {
	channel := r.PathValue("channel")
	before, err := s.client.Get(r.Context(), "login:"+channel).Result()
	now := record{UserAgent: r.UserAgent(), Address: r.RemoteAddr, CreatedAt: time.Now()}
	if err == nil {
		err = json.Unmarshal([]byte(before), &now)
	} else if errors.Is(err, redis.Nil) { // the first scan creates it
		err = nil
	}
	if err != nil {
		return err
	}
	if err := change(&now, by); err != nil {
		return err
	}
	now.ChangedAt = time.Now()
	text, err := json.Marshal(now)
	if err != nil {
		return err
	}
	replaced, err := s.replace.Run(r.Context(), s.client, []string{"login:" + channel}, before, text, recordTime.Milliseconds()).Bool()
	if err != nil {
		return err
	}
	if !replaced {
		return errConflict
	}
	_, err = s.node.Publish(channel, []byte(Status(now.ticket)))
	return err
}
