//go:build !linux

package engine

import (
	"context"
	"errors"
)

func startEmbedded(context.Context, Options) (*Engine, error) { return nil, otherSystem() }

func embeddedStatus(context.Context, Options) (*Info, error) { return nil, otherSystem() }

func pruneEmbedded(context.Context, Options) (int64, error) { return 0, otherSystem() }

func otherSystem() error {
	return &UnusableError{OtherSystem, errors.New("the embedded engine runs on Linux only")}
}
