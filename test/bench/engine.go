package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/pulpimg/pulpimg/pkg/engine"
)

// startEngine starts the one engine that both tools build on.
func startEngine(ctx context.Context, dir string) (*engine.Engine, error) {
	e, err := engine.Start(ctx, engine.Options{CacheDir: filepath.Join(dir, "engine")})
	if err != nil {
		return nil, fmt.Errorf("starting the engine: %w", err)
	}
	return e, nil
}

// measureStart returns how long the engine takes from being asked for to its first answer. It is the engine that has just done the
// builds: unpacked, and with something in its cache.
func measureStart(ctx context.Context, dir string, runs int) (times, error) {
	var all times
	for range runs {
		begin := time.Now()
		e, err := startEngine(ctx, dir)
		if err != nil {
			return nil, err
		}
		all = append(all, time.Since(begin))
		if err := e.Close(); err != nil {
			return nil, fmt.Errorf("stopping the engine: %w", err)
		}
	}
	return all, nil
}
