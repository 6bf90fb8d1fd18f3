package identity

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const testToken = "1|a-token-that-is-no-JWT"

func newUserinfo(t testing.TB, c UserinfoConfig) *Userinfo {
	t.Helper()
	u, err := NewUserinfo(c)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// site answers userinfo requests after a delay.
type site struct {
	calls  atomic.Int64
	status atomic.Int64
	after  time.Duration
}

func (s *site) RoundTrip(r *http.Request) (*http.Response, error) {
	s.calls.Add(1)
	time.Sleep(s.after) // within synctest
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	w.WriteHeader(int(s.status.Load()))
	w.WriteString(`{"sub":"alice"}`)
	return w.Result(), nil
}

// inBubble runs f within synctest, with a site that accepts every token.
func inBubble(t *testing.T, f func(t *testing.T, s *site, u *Userinfo)) {
	synctest.Test(t, func(t *testing.T) {
		s := &site{}
		s.status.Store(http.StatusOK)
		f(t, s, newUserinfo(t, UserinfoConfig{URL: "https://api.example.com/me", transport: s}))
	})
}

func (s *site) wantCalls(t *testing.T, want int64) {
	t.Helper()
	if n := s.calls.Load(); n != want {
		t.Errorf("%d calls; want %d", n, want)
	}
}

func TestUserinfoSendsTheToken(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.Header.Get("Authorization") != "Bearer "+testToken {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		io.WriteString(w, `{"id":"alice"}`)
	}))
	defer server.Close()
	u := newUserinfo(t, UserinfoConfig{URL: server.URL, Claims: Claims{ID: "id"}})
	accept(t, u, testToken, 0)
	reject(t, u, "another-token", ErrRefused)
}

func TestUserinfoStatusDecidesTheError(t *testing.T) {
	for want, statuses := range map[error][]int{
		ErrRefused:     {400, 401, 403, 404, 422},
		ErrUnavailable: {201, 204, 302, 307, 408, 429, 500, 502, 503},
	} {
		for _, status := range statuses {
			inBubble(t, func(t *testing.T, s *site, u *Userinfo) {
				s.status.Store(int64(status))
				reject(t, u, testToken, want)
			})
		}
	}
}

func TestUserinfoInvalidResponses(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want error
	}{
		"huge":       {`{"sub":"alice"}` + strings.Repeat(" ", maxUserinfoBytes), ErrUnavailable},
		"empty":      {``, ErrUnavailable},
		"HTML":       {`<html>`, ErrUnavailable},
		"cut off":    {`{"sub":"alice"`, ErrUnavailable},
		"two":        {`{"sub":"alice"}{"sub":"bob"}`, ErrUnavailable},
		"null":       {`null`, ErrUnavailable},
		"array":      {`[{"sub":"alice"}]`, ErrUnavailable},
		"no user":    {`{"code":401,"message":"not logged in"}`, ErrRefused},
		"empty user": {`{"sub":""}`, ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, c.body)
			}))
			defer server.Close()
			reject(t, newUserinfo(t, UserinfoConfig{URL: server.URL}), testToken, c.want)
		})
	}
}

func TestUserinfoSendsTheTokenToNoOtherAddress(t *testing.T) {
	followed := func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the redirect to %s was followed", r.URL)
		io.WriteString(w, `{"sub":"alice"}`)
	}
	other := httptest.NewServer(http.HandlerFunc(followed))
	defer other.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("/there", followed)
	mux.Handle("/me", http.RedirectHandler("/there", http.StatusTemporaryRedirect)) // on the host that may be asked
	mux.Handle("/elsewhere", http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	server := httptest.NewServer(mux)
	defer server.Close()
	for _, path := range []string{"/me", "/elsewhere"} {
		reject(t, newUserinfo(t, UserinfoConfig{URL: server.URL + path}), testToken, ErrUnavailable)
	}
}

func TestUserinfoRefusesTokensThatCannotBeSent(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site, u *Userinfo) {
		for _, token := range []string{"", "two words", "line\nfeed", "tab\t", "\x00", "ü", "\xff", strings.Repeat("a", maxTokenBytes+1)} {
			reject(t, u, token, ErrRefused)
		}
		s.wantCalls(t, 0)
	})
}

func TestUserinfoErrorNeverQuotesTheToken(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var serving sync.WaitGroup
	defer serving.Wait()
	serving.Go(func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		request, err := http.ReadRequest(bufio.NewReader(conn))
		if err == nil {
			io.WriteString(conn, request.Header.Get("Authorization")+"\r\n\r\n")
		}
	})
	reject(t, newUserinfo(t, UserinfoConfig{URL: "http://" + listener.Addr().String()}), testToken, ErrUnavailable)
}

func TestUserinfoWithoutConnectionIsUnavailable(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	reject(t, newUserinfo(t, UserinfoConfig{URL: server.URL}), testToken, ErrUnavailable)
}

func TestUserinfoCachesAUserForAMinute(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site, u *Userinfo) {
		accept(t, u, testToken, 0)
		time.Sleep(userTTL)
		accept(t, u, testToken, 0)
		s.wantCalls(t, 1)
		time.Sleep(time.Nanosecond)
		accept(t, u, testToken, 0)
		s.wantCalls(t, 2)
		accept(t, u, testToken+"2", 0)
		s.wantCalls(t, 3)
	})
}

func TestUserinfoUsesNoAnswerOlderThanMaxAge(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site, u *Userinfo) {
		s.after = 2 * time.Second // the age of an answer counts from the request
		accept(t, u, testToken, 0)
		time.Sleep(8 * time.Second)
		accept(t, u, testToken, 10*time.Second)
		s.wantCalls(t, 1)
		time.Sleep(time.Second)
		s.status.Store(http.StatusUnauthorized)
		accept(t, u, testToken, 0)
		if _, err := u.Identify(t.Context(), testToken, time.Now(), 10*time.Second); !errors.Is(err, ErrRefused) {
			t.Errorf("Identify = %v", err)
		}
		s.wantCalls(t, 2)
		reject(t, u, testToken, ErrRefused) // the newest answer counts
	})
}

func TestUserinfoCachesARefusalBriefly(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site, u *Userinfo) {
		s.status.Store(http.StatusUnauthorized)
		for range 100 {
			reject(t, u, testToken, ErrRefused)
		}
		s.wantCalls(t, 1)
		s.status.Store(http.StatusOK)
		time.Sleep(refusalTTL + 1)
		accept(t, u, testToken, 0)
	})
}

func TestUserinfoDoesNotCacheFailures(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site, u *Userinfo) {
		s.status.Store(http.StatusInternalServerError)
		reject(t, u, testToken, ErrUnavailable)
		s.status.Store(http.StatusOK)
		accept(t, u, testToken, 0)
	})
}

func TestUserinfoCallersWithOneTokenShareARequest(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site, u *Userinfo) {
		s.after = time.Second
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { accept(t, u, testToken, time.Nanosecond) })
		}
		wg.Wait()
		s.wantCalls(t, 1)
	})
}

func TestUserinfoRequestContinuesWhenOneCallerGivesUp(t *testing.T) {
	inBubble(t, func(t *testing.T, s *site, u *Userinfo) {
		s.after = time.Second
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		begin := time.Now()
		if _, err := u.Identify(ctx, testToken, time.Now(), 0); !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Identify = %v", err)
		}
		if d := time.Since(begin); d != 100*time.Millisecond {
			t.Errorf("took %v", d)
		}
		accept(t, u, testToken, 0)
		s.wantCalls(t, 1)
	})
}

func TestHangingUserinfoTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := transport(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		begin := time.Now()
		reject(t, newUserinfo(t, UserinfoConfig{URL: "https://api.example.com/me", transport: hang}), testToken, ErrUnavailable)
		if d := time.Since(begin); d != callTimeout {
			t.Errorf("took %v", d)
		}
	})
}

func TestNewUserinfoNamesTheInvalidSetting(t *testing.T) {
	for _, address := range []string{"", "/me", "ftp://api.example.com/me", "https://api.example.com/me#x"} {
		if _, err := NewUserinfo(UserinfoConfig{URL: address}); err == nil || !strings.HasPrefix(err.Error(), "url: ") {
			t.Errorf("%q: %v", address, err)
		}
	}
}
