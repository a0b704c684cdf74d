package service

import "context"

// askTCP connects: there is nothing to say.
func askTCP(ctx context.Context, s *session) error {
	_, err := s.dial(ctx)
	return err
}
