package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/pulpimg/pulpimg/pkg/engine"
)

// startEngine starts an engine with its files below dir. One that was there before has its cache again.
func startEngine(ctx context.Context, dir string) (*engine.Engine, error) {
	e, err := engine.Start(ctx, engine.Options{CacheDir: filepath.Join(dir, "engine")})
	if err != nil {
		return nil, fmt.Errorf("starting the engine: %w", err)
	}
	return e, nil
}

// measureStart measures how long the engine takes from being asked for to its first answer. It is the engine that has just done the
// builds: unpacked, and with something in its cache.
func measureStart(ctx context.Context, b bench, found *findings) error {
	for range b.runs {
		begin := time.Now()
		e, err := startEngine(ctx, b.dir)
		if err != nil {
			return err
		}
		found.start = append(found.start, time.Since(begin))
		if err := e.Close(); err != nil {
			return fmt.Errorf("stopping the engine: %w", err)
		}
	}
	return nil
}
