package service

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Credentials are a user whom a service lets in.
type Credentials struct{ User, Password string }

// Service is a server that can be stopped and started. Its methods may be
// called at the same time.
type Service struct {
	name     string
	dir      string            // all that it keeps
	files    map[string]string // its configuration, by name in dir
	programs []program         // each needs those before it

	mu      sync.Mutex
	running []*process // as many as programs, or none
	closed  bool
}

// Name is what Control calls the service.
func (s *Service) Name() string { return s.name }

// errClosed is the answer to who would start a closed service.
var errClosed = errors.New("it has been closed")

// startLimit is how long a server may take until it answers. RabbitMQ takes 4
// seconds, and several times that on a machine that is busy.
const startLimit = 2 * time.Minute

// Start starts the service, if it is not running, and returns when it answers.
func (s *Service) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.start(ctx); err != nil {
		return fmt.Errorf("starting %s: %w", s.name, err)
	}
	return nil
}

// Stop ends the service as a crash would: it does not say good-bye, and what
// it has stored is there at the next start.
func (s *Service) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stop()
}

// Reset stops the service, removes all that it has stored, and starts it.
func (s *Service) Reset(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.stop()
	if err == nil {
		err = os.RemoveAll(s.dir)
	}
	if err == nil {
		err = s.start(ctx)
	}
	if err != nil {
		return fmt.Errorf("starting %s afresh: %w", s.name, err)
	}
	return nil
}

// Close ends the service for good.
func (s *Service) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return s.stop()
}

func (s *Service) start(ctx context.Context) error {
	switch {
	case s.closed:
		return errClosed
	case s.isRunning():
		return nil
	}
	// One of its processes may have crashed.
	if err := errors.Join(s.stop(), s.writeFiles()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("no answer within %s", startLimit))
	defer cancel()
	for _, p := range s.programs {
		running, err := p.start(ctx, s.dir)
		if err != nil {
			return errors.Join(err, s.stop())
		}
		s.running = append(s.running, running)
	}
	return nil
}

func (s *Service) stop() error {
	var errs []error
	for i := len(s.running) - 1; i >= 0; i-- {
		errs = append(errs, s.running[i].kill())
	}
	s.running = nil
	return errors.Join(errs...)
}

func (s *Service) isRunning() bool {
	for _, p := range s.running {
		if p.hasExited() {
			return false
		}
	}
	return len(s.running) > 0
}

func (s *Service) writeFiles() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	for name, text := range s.files {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
