package service

import "context"

// askTCP only connects.
func askTCP(ctx context.Context, s *session) error {
	_, err := s.dial(ctx)
	return err
}
