package server

import "context"

// CodesLately is what the server knows of an address.
func (s *Server) CodesLately(ctx context.Context, address string) (int, error) {
	return s.lately.CodesLately(ctx, address)
}

// KnownBrowser is what it knows of a user's browser, by its cookie.
func (s *Server) KnownBrowser(ctx context.Context, pool, user, cookie string) (bool, error) {
	return s.lately.KnownBrowser(ctx, pool, user, base64url(cookieHash(cookie)))
}
