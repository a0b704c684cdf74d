package engine

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/moby/buildkit/util/archutil"

	"github.com/pulpimg/pulpimg/pkg/engine/bundle"
)

func embeddedStatus(ctx context.Context, o Options) (*Info, error) {
	h, err := homeOf(o.CacheDir)
	if err != nil {
		return nil, err
	}
	// This asks the kernel as buildkitd does.
	info := &Info{Kind: Embedded, Dir: string(h), Platforms: archutil.SupportedPlatforms(false)}
	switch b, err := bundle.Load(); {
	case errors.Is(err, bundle.ErrEmpty):
	case err != nil:
		return nil, err
	default:
		info.BuildKit, info.Runc = b.Version("buildkitd"), b.Version("runc")
	}
	if info.Running, info.PID, err = locked(h.lock()); err != nil {
		return nil, fmt.Errorf("finding out whether the embedded engine runs: %w", err)
	}
	s, err := h.site(ctx)
	if err != nil {
		return nil, err
	}
	if info.Mode, err = s.mode(); err != nil && !errors.As(err, &info.Unusable) {
		return nil, err
	}
	if info.DiskUsage, err = s.usage(ctx); err != nil {
		return nil, fmt.Errorf("measuring the embedded engine's files: %w", err)
	}
	_, err = os.Stat(h.state())
	info.HasCache = err == nil
	return info, nil
}

// mode returns how the embedded engine runs for this user.
func (s site) mode() (Mode, error) {
	if _, err := usable(); err != nil {
		return "", err
	}
	switch {
	case s.reason != nil:
		return "", s.reason
	case s.ns.isSet():
		return Rootless, nil
	}
	return Root, nil
}
