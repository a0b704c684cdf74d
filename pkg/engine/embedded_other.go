//go:build !linux

package engine

import (
	"context"
	"errors"
)

// daemon does not exist here.
type daemon struct{}

func (*daemon) err() error { return nil }

var errNotHere = errors.New("the embedded engine runs on Linux only: use --engine ADDR (docker-container://NAME, tcp://HOST:PORT, ssh://USER@HOST)")

func startEmbedded(context.Context, Options) (*Engine, error) { return nil, errNotHere }

func embeddedStatus(context.Context, Options) (*Info, error) { return nil, errNotHere }

func pruneEmbedded(context.Context, Options) (int64, error) { return 0, errNotHere }
