package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const api = "/api/v2/qrcode/"

// tokens are of as many phone users, made beforehand.
func tokens(n int) ([]string, error) {
	all := make([]string, n)
	for i := range all {
		user := fmt.Sprintf("user %d", i)
		var err error
		all[i], err = jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
			"sub": user, "nickname": user, "exp": time.Now().Add(24 * time.Hour).Unix(),
		}).SignedString([]byte(userKey))
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// step makes one of a phone's calls.
func (s *subject) step(ctx context.Context, path, random, token string) error {
	q, err := request(ctx, s.first().url+api+path, map[string]string{"random": random})
	if err != nil {
		return err
	}
	q.Header.Set("Authorization", "Bearer "+token)
	_, err = s.call(q)
	return err
}

// code is one that a site asked for.
type code struct{ Random, BrowserKey string }

func (s *subject) gene(ctx context.Context) (c code, err error) {
	q, err := request(ctx, s.first().url+api+"gene", map[string]string{"userPoolId": "bench"})
	if err != nil {
		return c, err
	}
	q.SetBasicAuth("bench", poolSecret)
	text, err := s.call(q)
	if err != nil {
		return c, err
	}
	var answer struct{ Data code }
	err = json.Unmarshal(text, &answer)
	return answer.Data, err
}

func request(ctx context.Context, url string, body any) (*http.Request, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	q.Header.Set("Content-Type", "application/json")
	return q, nil
}

// call makes a call that must succeed, and returns the answer.
func (s *subject) call(q *http.Request) ([]byte, error) {
	answer, err := s.client.Do(q)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err == nil && answer.StatusCode/100 != 2 {
		err = errors.New(q.URL.Path + " was answered " + answer.Status + ": " + string(text))
	}
	return text, err
}
