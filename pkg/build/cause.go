package build

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/internal/message"
)

// What an engine lacked, for callers that know how to give it.
var (
	// ErrDenied reports that the source policy of the build denies a source.
	ErrDenied = errors.New("the source policy denies it")
	// ErrDiskFull reports that a disk is full that the engine writes to.
	ErrDiskFull = errors.New("a disk of the engine is full")
	// ErrMissingLayers reports that the engine's cache has lost layers of a base: it has to be emptied.
	ErrMissingLayers = llb.ErrMissingLayers
)

// A MissingSecretError reports that a step asks for a secret that the build was not given.
type MissingSecretError struct{ ID string }

func (e *MissingSecretError) Error() string { return fmt.Sprintf("there is no secret %q", e.ID) }

// causeOf returns what the engine lacked, as far as the text of its error tells; nil, if it does not.
func causeOf(text string) error {
	switch secret := message.MissingSecret(text); {
	case strings.Contains(text, syscall.ENOSPC.Error()):
		return ErrDiskFull
	case secret != "":
		return &MissingSecretError{ID: secret}
	case message.DeniedByPolicy(text):
		return ErrDenied
	}
	return nil
}
