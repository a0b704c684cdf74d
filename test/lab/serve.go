package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/pulpimg/pulpimg/test/lab/site"
)

// serve runs a lab until ctx is done or stdin is at its end. When the lab is
// ready, it prints the lab's values as one line of JSON.
func serve(ctx context.Context, config site.Config, stdin io.Reader, stdout io.Writer) error {
	// Whoever started us may end while we are still preparing.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with the process: nothing else ends a read
		_, _ = io.Copy(io.Discard, stdin)
		cancel()
	}()
	lab, err := site.Start(ctx, config)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(stdout).Encode(lab.Values()); err != nil {
		return errors.Join(err, lab.Close())
	}
	<-ctx.Done()
	return lab.Close()
}
